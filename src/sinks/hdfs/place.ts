/** A path, or a URI. */
export interface Place {
  readonly scheme: string | undefined;
  readonly authority: string | undefined;
  /** What is filled in for each event. */
  readonly template: string;
}

export function placeOf(path: string): Place {
  const [, scheme, authority, template = ''] =
    /^(?:([A-Za-z][\w+.-]*):(?:\/\/([^/]*))?)?(.*)$/s.exec(path) ?? [];
  return { scheme, authority: authority || undefined, template };
}
