import { isAscii, isUtf8 } from 'node:buffer';
import type { MessageCharset } from '../../formats/syslog/multiport-parser.ts';
import { charsetNamed, decoderOf } from '../../framing/charset.ts';

/**
 * How a charset's messages are text.
 *
 * @param name as Java has it
 * @throws Error that says why it can't be used
 */
export function messageCharset(name: string): MessageCharset {
  const charset = charsetNamed(name);
  if (!charset) throw new Error(`there is no charset ${name} here`);
  if (charset.kind === 'wide' || charset.kind === 'stateful') {
    throw new Error(`in ${name} a newline or a blank cannot be found by its byte`);
  }
  if (charset.kind === 'utf-8') {
    return { isUtf8: true, decode: (bytes) => (isUtf8(bytes) ? bytes.toString() : undefined) };
  }
  const decode = decoderOf(charset.name, 'fail');
  return {
    isUtf8: false,
    decode: (bytes) => (isAscii(bytes) ? bytes.toString('latin1') : textOrNone(decode, bytes)),
  };
}

function textOrNone(decode: (bytes: Buffer) => string, bytes: Buffer): string | undefined {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
