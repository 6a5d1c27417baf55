/** The -D options of the command line: set once, before any configuration is read. */
let given: ReadonlyMap<string, string> = new Map();

/** Called by the command line, and by tests. */
export function setSystemProperties(properties: ReadonlyMap<string, string>): void {
  given = properties;
}

/**
 * A setting of the whole process, as Flume reads it at its start: the system property, else the
 * variable of the environment. Empty counts as absent.
 */
export function processSetting(property: string, variable: string): string | undefined {
  return given.get(property) || process.env[variable] || undefined;
}
