import assert from 'node:assert/strict';
import type { Message } from '../../../src/bytes/protobuf.ts';
import { ConfigError, FormatError } from '../../../src/core/errors.ts';
import * as calls from '../../../src/hdfs/client-protocol.ts';
import { datanodeInfoProto, locatedBlocksProto } from '../../../src/hdfs/common-messages.ts';
import { decodeAck, decodePacketHeader } from '../../../src/hdfs/packets.ts';
import { decodeResponse } from '../../../src/hdfs/rpc-frames.ts';
import { expand, parseSiteXml } from '../../../src/hdfs/site-xml.ts';
import { blockOpResponseProto } from '../../../src/hdfs/transfer-protocol.ts';
import { expecting, type FuzzTarget, kindOf } from '../target.ts';

const messages: readonly Message<unknown>[] = [
  calls.getFileInfo.response,
  calls.getListing.response,
  calls.getBlockLocations.response,
  calls.addBlock.response,
  calls.getServerDefaults.response,
  calls.getDatanodeReport.response,
  calls.complete.response,
  locatedBlocksProto,
  datanodeInfoProto,
  blockOpResponseProto,
];
const others = [decodeAck, decodePacketHeader, decodeResponse];

const hex = (text: string) => Buffer.from(text.replaceAll(/\s+/g, ''), 'hex');
const status = `0801 1200 1800 2203 08ed03 2a04 726f6f74 320a 737570657267726f7570
  38c4fea3eea034 4000 5000 5800 688180 01 7000 800100 900108`;
const block = '0a1b 0a10 42502d312d3132372e302e302e312d31 1082808080 04 18eb07';
const datanode = `0a4a 0a09 3132372e302e302e31 1209 3132372e302e302e31
  1a24 30363762663765642d636139342d346630632d623636322d626163343234656230663666
  208b8102 2881bd02 30edb502 3800 1080a0e7f1ef07 420d 2f64656661756c742d7261636b 5000`;

/** What a server of HDFS sends: the first byte says which decoder reads the rest. */
export const hdfsMessagesTarget: FuzzTarget = {
  name: 'hdfs-messages',
  tokens: ['\x08\x01', '\x0a', '\x12\x00', '\x18\x00', '\xff\xff\xff\xff\x0f', '\x80', '\x7a\x02'],
  seeds: () => [
    Buffer.concat([Buffer.from([0]), hex(`0a36 ${status}`)]),
    Buffer.concat([Buffer.from([1]), hex(`0a3a 0a36 ${status} 1000`)]),
    Buffer.concat([Buffer.from([3]), hex(`0a25 ${block} 1000 2000 2a00 3801`)]),
    Buffer.concat([
      Buffer.from([4]),
      hex('0a1c 0880804010800418808004200328802030003800 40024a0050075800'),
    ]),
    Buffer.concat([Buffer.from([8]), hex(datanode)]),
    Buffer.concat([Buffer.from([9]), hex('0800 1200 2209 0a05 0802 108004 1000')]),
    Buffer.concat([Buffer.from([10]), hex('0800 1000 1000 1000 18c0dae60d 2203 000000')]),
    Buffer.concat([
      Buffer.from([11]),
      hex('09 1104000000000000 11 0400000000000000 18 01 25 00000000'),
    ]),
    Buffer.concat([Buffer.from([12]), hex('04 0800 1000 02 0801')]),
  ],
  run: (input) => {
    const which = (input[0] ?? 0) % (messages.length + others.length);
    const rest = input.subarray(1);
    const message = messages[which];
    const decode = others[which - messages.length];
    const answer = expecting([FormatError], () => message?.decode(rest) ?? decode?.(rest));
    if ('error' in answer) return `${which} ${kindOf(answer.error)}`;
    if (message) {
      const again = message.decode(message.encode(answer.value));
      assert.deepEqual(again, answer.value, 'what was read can be written and read again');
    }
    return `${which}`;
  },
};

export const siteXmlTarget: FuzzTarget = {
  name: 'site-xml',
  tokens: [
    ...['<configuration>', '</configuration>', '<property>', '</property>', '<name>', '</name>'],
    ...[
      '<value>',
      '</value>',
      '<final>true</final>',
      '<value/>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
    ],
    ...[
      '&amp;',
      '&#x41;',
      '&',
      ';',
      '<?',
      '?>',
      '<!DOCTYPE',
      'xi:include',
      '$',
      '{',
      '}',
      '<',
      '>',
    ],
    ...[`\${a}`, `\${env.X}`, '\ufeff', '/'],
  ],
  seeds: () => [
    Buffer.from(
      '<?xml version="1.0"?>\n<configuration>\n<!-- c --><property><name>a</name>' +
        `<value>\${b} &lt;</value></property><property><name>b</name><value>\${a}\${env.X:-y}` +
        '</value><final>true</final></property></configuration>\n',
    ),
    Buffer.from('<configuration><property><name>é</name><value/></property></configuration>'),
  ],
  run: (input) => {
    const text = input.toString('utf8');
    const answer = expecting([ConfigError], () => {
      const found = [...parseSiteXml(text, 'x')].map(([key, { value }]) => [key, value] as const);
      const settings = new Map(found);
      return found.map(([key]) => expand(key, settings, { X: `\${a}` }));
    });
    return 'error' in answer ? kindOf(answer.error) : `${Math.min(9, answer.value.length)}`;
  },
};
