import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { crc32, crc32c } from '@node-rs/crc32';
import { FormatError } from '../core/errors.ts';
import { Prng, seedFromEnvironment } from '../testing/prng.ts';
import { Checksums } from './checksums.ts';
import * as calls from './client-protocol.ts';
import { checksumTypes } from './common-messages.ts';
import {
  decodeAck,
  decodePacketHeader,
  decodePacketLengths,
  heartbeatSeqno,
  packetLengthBytes,
  packetOf,
} from './packets.ts';
import { decodeResponse, encodeCall, encodeOpening, encodePing } from './rpc-frames.ts';
import { blockOpResponseProto, encodeOperation, writeBlock } from './transfer-protocol.ts';

/*
 * Bytes that Hadoop 3.4.1 sent: its Java client, NameNode and DataNode, captured on the loopback
 * interface. Where ids and names had to be chosen, the lengths are those of the capture.
 */
const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s+/g, ''), 'hex');
const clientId = bytes('894f96bf03c14c9c95919e8967cd72cc');
const clientProtocol = Buffer.from('org.apache.hadoop.hdfs.protocol.ClientProtocol').toString(
  'hex',
);
const clientName = 'DFSClient_NONMAPREDUCE_1977034599_1';
const clientNameHex = Buffer.from(clientName).toString('hex');
const checksums = new Checksums(checksumTypes.crc32c, 512);

const rootStatus = `0801 1200 1800 2203 08ed03 2a04 726f6f74 320a 737570657267726f7570
  389ae3e9e2a034 4000 5000 5800 688180 01 7001 800100 900108`;
const fileInfoFrame = bytes(
  `1a 0800 1000 1809 3a10 894f96bf03c14c9c95919e8967cd72cc 4000 38 0a36 ${rootStatus}`,
);
const threeAcks = bytes('0800 1000 1000 1000 18c0dae60d 2203 000000');
const helloPacket = bytes(
  `00000013 0019 09 0000000000000000 11 0000000000000000 18 00 25 0b000000
   89bc9df1 68656c6c6f20666c756d65`,
);

/** Reads it cut anywhere, and with any bit flipped: a value or a FormatError, nothing else. */
function survivesDamage(golden: Buffer, decode: (input: Buffer) => unknown): void {
  const attempt = (input: Buffer) => {
    try {
      decode(input);
    } catch (error) {
      assert(error instanceof FormatError, `${input.toString('hex')}: ${error}`);
    }
  };
  for (let length = 0; length < golden.length; length++) attempt(golden.subarray(0, length));
  for (let bit = 0; bit < golden.length * 8; bit++) {
    const flipped = Buffer.from(golden);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    attempt(flipped);
  }
}

describe('Hadoop RPC', () => {
  test('opens a connection as the Java client does', () => {
    const user = { effectiveUser: 'root' };
    const opening = encodeOpening(clientId, calls.clientProtocolName, user);
    assert.deepEqual(
      opening,
      bytes(
        `68727063 09 00 00 00000054 1a 0802 1000 1805 2210 ${clientId.toString('hex')} 2801
         38 1206 0a04 726f6f74 1a2e ${clientProtocol}`,
      ),
    );
  });

  test('calls a method as the Java client does', () => {
    const call = {
      callId: 0,
      clientId,
      retryCount: 0,
      methodName: calls.getFileInfo.name,
      protocol: calls.getFileInfo.protocol,
      request: calls.getFileInfo.request.encode({ src: '/' }),
    };
    assert.deepEqual(
      encodeCall(call),
      bytes(
        `0000005f 1a 0802 1000 1800 2210 ${clientId.toString('hex')} 2800
         3f 0a0b 67657446696c65496e666f 122e ${clientProtocol} 1801 03 0a01 2f`,
      ),
    );
  });

  test('pings as the Java client does', () => {
    assert.deepEqual(
      encodePing(clientId),
      bytes(`0000001b 1a 0802 1000 1807 2210 ${clientId.toString('hex')} 2801`),
    );
  });

  test("reads the NameNode's answers", () => {
    const frame = bytes(
      `1a 0800 1000 1809 3a10 ${clientId.toString('hex')} 4000 38 0a36 ${rootStatus}`,
    );
    const { header, body } = decodeResponse(frame);
    assert.equal(header.callId, 0);
    const { fs } = calls.getFileInfo.response.decode(body);
    assert.equal(fs?.owner, 'root');
    assert.equal(fs?.group, 'supergroup');
    assert.equal(fs?.permission.perm, 0o755);
    assert.equal(fs?.fileId, 16_385);
    assert.equal(fs?.childrenNum, 1);
  });

  test('reads a missing file as no status', () => {
    const frame = bytes(`1a 080f 1000 1809 3a10 ${clientId.toString('hex')} 4000 00`);
    const { header, body } = decodeResponse(frame);
    assert.equal(header.callId, 15);
    assert.equal(calls.getFileInfo.response.decode(body).fs, undefined);
  });

  test('survives damaged answers', () => {
    survivesDamage(fileInfoFrame, (input) =>
      calls.getFileInfo.response.decode(decodeResponse(input).body),
    );
  });
});

describe('the requests of a writer', () => {
  test('create is what the Java client sends', () => {
    const request = calls.create.request.encode({
      src: '/cap/a.txt',
      masked: { perm: 0o644 },
      clientName,
      createFlag: 3,
      createParent: true,
      replication: 3,
      blockSize: 1 << 20,
      cryptoProtocolVersion: [2],
      unmasked: { perm: 0o666 },
    });
    assert.deepEqual(
      request,
      bytes(
        `0a0a 2f6361702f612e747874 1203 08a403 1a23 ${clientNameHex} 2003 2801 3003 38808040 4002
         4a03 08b603`,
      ),
    );
    assert.equal(request.length, 0x47);
    survivesDamage(request, (input) => calls.create.request.decode(input));
  });

  test('addBlock, fsync and append are what the Java client sends', () => {
    const src = '/cap/a.txt';
    const srcHex = '0a0a 2f6361702f612e747874';
    const holder = `1223 ${clientNameHex}`;
    const added = { src, clientName, excludeNodes: [], fileId: 16_389 };
    assert.deepEqual(calls.addBlock.request.encode(added), bytes(`${srcHex} ${holder} 28858001`));
    const synced = { src, client: clientName, lastBlockLength: 11, fileId: 16_389 };
    assert.deepEqual(
      calls.fsync.request.encode(synced),
      bytes(`${srcHex} ${holder} 1816 20858001`),
    );
    assert.deepEqual(
      calls.append.request.encode({ src, clientName, flag: 4 }),
      bytes(`${srcHex} ${holder} 1804`),
    );
  });

  test('complete is answered by a bool', () => {
    assert.equal(calls.complete.response.decode(bytes('0801')).result, true);
    assert.equal(calls.complete.response.decode(bytes('0800')).result, false);
  });

  test('WRITE_BLOCK is what the Java client sends', () => {
    const poolId = 'BP-1234567890-127.0.0.1-172000000000';
    const storage = 'DS-01234567-89ab-cdef-0123-456789abcdef';
    const storageHex = Buffer.from(storage).toString('hex');
    const info = Buffer.alloc(0x9a, 7);
    const operation = encodeOperation(writeBlock, {
      header: {
        baseHeader: {
          block: { poolId, blockId: 0x4000_0000n, generationStamp: 1003, numBytes: 1 << 20 },
          token: bytes('0a00 1200 1a00 2200'),
        },
        clientName,
      },
      targets: [info, info],
      stage: 6,
      pipelineSize: 3,
      minBytesRcvd: 0,
      maxBytesRcvd: 0,
      latestGenerationStamp: 0,
      requestedChecksum: { type: 2, bytesPerChecksum: 512 },
      cachingStrategy: {},
      storageType: 1,
      targetStorageTypes: [1, 1],
      allowLazyPersist: false,
      pinning: false,
      storageId: storage,
      targetStorageIds: [storage, storage],
    });
    assert.deepEqual(
      operation,
      bytes(
        `001c 50 bd04
         0a66 0a3f 0a33 0a24 ${Buffer.from(poolId).toString('hex')} 108080808004 18eb07 20808040
         1208 0a00 1200 1a00 2200 1223 ${clientNameHex}
         129a01 ${info.toString('hex')} 129a01 ${info.toString('hex')}
         2006 2803 3000 3800 4000 4a05 0802 108004 5200 5801 6001 6001 6800 7000
         820127 ${storageHex} 8a0127 ${storageHex} 8a0127 ${storageHex}`,
      ),
    );
    survivesDamage(operation.subarray(5), (input) => writeBlock.request.decode(input));
  });

  test('the answer to WRITE_BLOCK is read', () => {
    const answer = bytes('0800 1200');
    assert.deepEqual({ ...blockOpResponseProto.decode(answer) }, { status: 0, firstBadLink: '' });
    survivesDamage(answer, (input) => blockOpResponseProto.decode(input));
  });
});

describe('packets', () => {
  test('are what the Java client sends', () => {
    const hello = Buffer.from('hello flume');
    const packet = packetOf({ offset: 0, seqno: 0, views: [hello] }, checksums);
    assert.deepEqual(Buffer.concat([packet.head, ...packet.views]), helloPacket);
    const views = [Buffer.from('hello '), Buffer.from('flumeabc')];
    const synced = packetOf({ offset: 0, seqno: 1, sync: true, views }, checksums);
    assert.deepEqual(
      Buffer.concat([synced.head, ...synced.views]),
      bytes(
        `00000016 001b 09 0000000000000000 11 0100000000000000 18 00 25 0e000000 28 01
         b5c25036 68656c6c6f20666c756d65616263`,
      ),
    );
    const appended = { offset: 1041, seqno: 0, views: [Buffer.from('append!')] };
    const unaligned = packetOf(appended, checksums);
    assert.deepEqual(
      Buffer.concat([unaligned.head, ...unaligned.views]),
      bytes(
        `0000000f 0019 09 1104000000000000 11 0000000000000000 18 00 25 07000000
         75132b2f 617070656e6421`,
      ),
    );
  });

  test('end a block and keep a pipeline alive as those of the Java client', () => {
    assert.deepEqual(
      packetOf({ offset: 1041, seqno: 4, last: true }, checksums).head,
      bytes('00000004 0019 09 1104000000000000 11 0400000000000000 18 01 25 00000000'),
    );
    assert.deepEqual(
      packetOf({ offset: 0, seqno: heartbeatSeqno }, checksums).head,
      bytes('00000004 0019 09 0000000000000000 11 ffffffffffffffff 18 00 25 00000000'),
    );
  });

  test('that are full have 126 chunks', () => {
    const packet = packetOf({ offset: 0, seqno: 0, views: [Buffer.alloc(64_512)] }, checksums);
    assert.equal(packet.head.readInt32BE(0), 0xfdfc);
    assert.equal(packet.head.readInt32LE(27), 0xfc00);
  });

  test('of a DataNode are read', () => {
    const lengths = decodePacketLengths(helloPacket.subarray(0, packetLengthBytes));
    assert.deepEqual(lengths, { headerLength: 25, bodyLength: 15 });
    const header = helloPacket.subarray(packetLengthBytes, packetLengthBytes + 25);
    assert.deepEqual(decodePacketHeader(header), { offset: 0, seqno: 0, last: false, length: 11 });
    survivesDamage(helloPacket.subarray(0, packetLengthBytes), (input) => {
      if (input.length === packetLengthBytes) decodePacketLengths(input);
    });
    survivesDamage(header, decodePacketHeader);
  });

  test('are acknowledged', () => {
    assert.deepEqual(decodeAck(threeAcks), { seqno: 0, statuses: [0, 0, 0] });
    assert.deepEqual(decodeAck(bytes('0801 1000 1800 2201 00')), { seqno: -1, statuses: [0] });
    // Without flags, as older DataNodes do it, the replies count.
    assert.deepEqual(decodeAck(bytes('0803 1000 1001')), { seqno: -2, statuses: [0, 1] });
    survivesDamage(threeAcks, decodeAck);
  });
});

describe('checksums', () => {
  const prng = new Prng(seedFromEnvironment());

  for (const [kind, type] of [
    ['CRC-32', checksumTypes.crc32],
    ['CRC-32C', checksumTypes.crc32c],
  ] as const) {
    for (const size of [512, 16, 4_096, 500, 8_192]) {
      test(`${kind} of chunks of ${size} is right for any length, however divided`, () => {
        const each = new Checksums(type, size);
        for (const length of [1, size, 3 * size + 1, 17 * size, prng.integer(300_000)]) {
          const data = prng.bytes(length);
          const sums = Buffer.alloc(each.sizeOf(length));
          for (let at = 0; at < length; at += size) {
            const chunk = data.subarray(at, at + size);
            const sum = kind === 'CRC-32' ? crc32(chunk) : crc32c(chunk);
            sums.writeUInt32BE(sum, (at / size) * 4);
          }
          const views: Buffer[] = [];
          for (let at = 0; at < length; at += views.at(-1)?.length ?? 0) {
            views.push(data.subarray(at, at + 1 + prng.integer(prng.pick([9, 2_000, 90_000]))));
          }
          const written = Buffer.alloc(sums.length);
          each.write(views, written, 0);
          assert.deepEqual(written, sums, `${length} bytes, seed ${prng.seed}`);
          assert(each.verify(views, sums));
          sums[0] = (sums[0] ?? 0) ^ 1;
          assert(!each.verify(views, sums));
          assert(!each.verify(views, sums.subarray(4)));
        }
      });
    }
  }

  test('of both kinds are the standard ones', () => {
    const sum = Buffer.alloc(4);
    new Checksums(checksumTypes.crc32, 512).write([Buffer.from('123456789')], sum, 0);
    assert.equal(sum.toString('hex'), 'cbf43926');
    checksums.write([Buffer.from('123456789')], sum, 0);
    assert.equal(sum.toString('hex'), 'e3069283');
  });
});
