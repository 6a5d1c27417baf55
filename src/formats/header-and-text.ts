import { defineSerializer } from '../config/definition.ts';
import { boolean, type ConfigOf } from '../config/field.ts';
import type { EventBatch } from '../core/event-batch.ts';
import type { EventSerializer } from '../core/serializer.ts';
import { headersText, JavaHeaderOrder } from './java-map-order.ts';

const fields = {
  appendNewline: boolean({
    doc: 'Ends each event with a newline; false writes them one directly after the other.',
    default: true,
  }),
};

export const headerAndTextSerializer = defineSerializer({
  type: 'header_and_text',
  classes: [
    'org.apache.flume.serialization.HeaderAndBodyTextEventSerializer',
    'org.apache.flume.serialization.HeaderAndBodyTextEventSerializer$Builder',
  ],
  summary: 'Headers as Java prints a map, a blank, the body: `{host=h1, k=v} body`.',
  notes:
    'Headers stand in the order of a Java hash map, as in Flume, and are written in UTF-8. ' +
    'Nothing is escaped: a header that holds `, ` or `}` can not be told from what follows.',
  fields,
  example: 'sink.serializer = header_and_text',
  create: (config) => new HeaderAndTextSerializer(config),
});

const blankByte = 32;
const newlineByte = 10;

class HeaderAndTextSerializer implements EventSerializer {
  readonly #newline: boolean;
  readonly #order = new JavaHeaderOrder();

  constructor(config: ConfigOf<typeof fields>) {
    this.#newline = config.appendNewline;
  }

  begin(): readonly Buffer[] {
    return [];
  }

  write(batch: EventBatch): readonly Buffer[] {
    if (batch.length === 0) return [];
    const texts: string[] = [];
    let bytes = batch.bodyBytes + 2 * batch.length;
    for (let index = 0; index < batch.length; index++) {
      const text = headersText(batch, index, this.#order);
      bytes += Buffer.byteLength(text);
      texts.push(text);
    }
    const copy = Buffer.allocUnsafe(bytes);
    let end = 0;
    for (let index = 0; index < batch.length; index++) {
      end += copy.write(texts[index] as string, end);
      copy[end++] = blankByte;
      end += batch.slab.copy(copy, end, batch.starts[index], batch.ends[index]);
      if (this.#newline) copy[end++] = newlineByte;
    }
    return [copy.subarray(0, end)];
  }

  flush(): readonly Buffer[] {
    return [];
  }
}
