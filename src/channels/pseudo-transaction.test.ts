import { silentLogger } from '../core/log.ts';
import { ChannelCounters } from '../core/metrics.ts';
import { channelContract } from '../testing/channel-contract.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { Prng } from '../testing/prng.ts';
import { SimulatedDisk } from '../testing/simulated-disk.ts';
import { pseudoTransactionChannel } from './pseudo-transaction.ts';

const gone = 'what is taken is gone: this channel has no transactions';
const patient = 'a put waits for room as long as it takes';

channelContract('pseudo-transaction', {
  async open() {
    const clock = new ManualClock();
    const channel = pseudoTransactionChannel.create(
      { capacity: 100, keepAlive: 3 },
      {
        clock,
        disk: new SimulatedDisk({ seed: 1 }),
        random: new Prng(1),
        agent: 'a1',
        name: 'c1',
        log: silentLogger,
        stateDirectory: '/state/c1',
        counters: new ChannelCounters(),
      },
    );
    await channel.start();
    return { channel, clock };
  },
  skip: {
    'events that were released are lent again first, in order': gone,
    'what a sink keeps itself, and releases after all, is lent again': gone,
    'sinks do what they may, in any order': gone,
    'what a sink left unsettled when it is detached is lent to the next': gone,
    'a full channel refuses after its keep-alive, and has room again': patient,
  },
});
