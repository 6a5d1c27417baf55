/** Something that decodes what others wrote. */
export interface FuzzTarget {
  readonly name: string;
  /** What its grammar is made of: inserted, repeated and nested. */
  readonly tokens: readonly string[];
  /** Valid inputs to begin from. */
  seeds(): readonly Buffer[];
  /**
   * Decodes an input, and throws when a promise is broken. Two inputs that give the same answer are
   * of one kind; the first of each kind is mutated further.
   */
  run(input: Buffer): string | Promise<string>;
  /** Makes good what a mutation breaks before anything else is looked at: checksums. */
  repair?(input: Buffer): Buffer;
  /** Releases what it holds. */
  stop?(): Promise<void>;
}

/** Runs `decode`; an error of one of these classes is an answer, any other a finding. */
export function expecting<T>(
  classes: readonly (new (...args: never[]) => Error)[],
  decode: () => T,
): { readonly value: T } | { readonly error: Error } {
  try {
    return { value: decode() };
  } catch (error) {
    if (error instanceof Error && classes.some((each) => error instanceof each)) return { error };
    throw error;
  }
}

/** What kind of failure a message tells of: its text without numbers and what was found. */
export function kindOf({ message }: Error): string {
  return message.replaceAll(/["'`].*["'`]|\d+/g, '').slice(0, 60);
}
