import { exitCodesHelp } from './command.ts';

export const overview = `Usage: millrace COMMAND [options]   (flume-ng COMMAND … does the same)

Commands
  agent     runs an agent:        millrace agent -n a1 -f flume.conf
  check     reads a configuration and says what would run, and what is wrong:
                                  millrace check flume.conf
  explain   describes a component and its options:
                                  millrace explain taildir
  demo      shows it running: a growing log, an agent and its files under ./demo
  channel   looks into a file channel, checks, repairs, exports and refills it:
                                  millrace channel status /var/millrace/data
  hdfs      finds what Flume left unfinished on HDFS, and finishes it:
                                  millrace hdfs leftovers hdfs://namenode:8020/logs
  completion  prints a script that lets bash, zsh or fish complete commands
  version   prints the version
  help      prints this, or the help of a command: millrace help agent

${exitCodesHelp}`;
