import type { EventSerializer, SerializerContext } from '../core/serializer.ts';
import type { SerializerDefinition } from './definition.ts';
import type { ConfigOf, Field, FieldOptions, Fields } from './field.ts';

/** The serializer that an option names, with what the lines below that option say. */
export class ChosenSerializer {
  readonly definition: SerializerDefinition;
  readonly config: ConfigOf<Fields>;

  constructor(definition: SerializerDefinition, config: ConfigOf<Fields>) {
    this.definition = definition;
    this.config = config;
  }

  /** The same with other values of some of its options, by the names of their fields. */
  with(values: Readonly<Record<string, unknown>>): ChosenSerializer {
    return new ChosenSerializer(this.definition, { ...this.config, ...values });
  }

  /** Makes the serializer of one file. */
  create(context: SerializerContext): EventSerializer {
    return this.definition.create(this.config, context);
  }
}

/** How the serializer is found; `readComponent` does it, since it may have to be loaded. */
export interface SerializerChoice {
  readonly defaultType: string;
  /** Another option decides it; undefined: it does not. */
  readonly implied?: (value: (key: string) => string | undefined) => string | undefined;
}

export type SerializerField = Field<ChosenSerializer> & { readonly serializer: SerializerChoice };

/**
 * The name of a serializer: its type, a class of Flume's, a file or a package. Its own options
 * stand below the option's key, where a `map` is declared for them.
 */
export function serializer(
  options: Omit<FieldOptions<never>, 'default' | 'defaultText'> & SerializerChoice,
): SerializerField {
  const { defaultType, implied, ...rest } = options;
  return {
    ...rest,
    kind: 'text',
    typeText: 'text',
    required: false,
    defaultText: defaultType,
    serializer: { defaultType, ...(implied && { implied }) },
    parse: () => {
      throw new Error('a serializer is found by readComponent');
    },
  };
}

/** The choice that a field leaves, if it is such a field. */
export function choiceIn(field: Field<unknown>): SerializerChoice | undefined {
  return 'serializer' in field ? (field as SerializerField).serializer : undefined;
}
