import type { FieldProblem } from '../../config/definition.ts';
import { integer, text } from '../../config/field.ts';
import { blockCodecs } from './block-codec.ts';
import type { ContainerOptions } from './container.ts';

/** The options that every serializer of Avro containers has. */
export const containerFields = {
  syncIntervalBytes: integer({
    doc: 'A block ends when it holds this much, or when the sink flushes.',
    unit: 'bytes',
    min: 32,
    max: 1_073_741_824,
    default: 2_048_000,
  }),
  compressionCodec: text({
    doc: 'null, deflate, snappy, bzip2 or zstandard; with any other name nothing is compressed.',
    default: 'null',
  }),
  compressionLevel: integer({
    doc: "From 1, the fastest, to 9, of zstandard to 19; 0 is the codec's own default.",
    min: 0,
    max: 19,
    default: 0,
    extra: true,
  }),
};

export function checkContainer(options: ContainerOptions): readonly FieldProblem[] {
  const { compressionCodec, compressionLevel } = options;
  const codec = blockCodecs.get(compressionCodec);
  if (!codec) {
    return [
      {
        key: 'compressionCodec',
        problem: `${compressionCodec} is not a codec here; the file will not be compressed`,
        severity: 'warning',
        suggestion: `Use one of ${[...blockCodecs.keys()].join(', ')}.`,
      },
    ];
  }
  if (compressionLevel <= codec.maxLevel) return [];
  const problem =
    codec.maxLevel === 0
      ? `${compressionCodec} has no levels`
      : `${compressionCodec} has the levels 1 to ${codec.maxLevel}`;
  return [{ key: 'compressionLevel', problem }];
}
