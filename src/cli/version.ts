import { type Command, packageVersion } from './command.ts';

export const versionCommand: Command = {
  help: 'Usage: millrace version\n\nPrints the versions of Millrace and of Node.',
  async run() {
    console.log(`Millrace ${packageVersion()} (Node ${process.versions.node})`);
    return 0;
  },
};
