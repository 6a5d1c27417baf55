import { systemClock } from '../core/clock.ts';
import { RunningCommand } from './running-command.ts';

/* A process that runs the command of its arguments, for a test that kills it. */

const command = await RunningCommand.start(process.argv.slice(2), systemClock);
command.output.resume();
command.errors.resume();
process.stdout.write(`${command.pid}\n`);
