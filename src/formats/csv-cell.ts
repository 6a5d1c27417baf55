/** How a value is told from what is around it. */
export interface CellRules {
  readonly delimiter: string;
  readonly quote: string;
  readonly quoting: 'minimal' | 'all' | 'none';
  readonly escape: string;
  /** What stands for no value. */
  readonly nullText: string;
}

/**
 * A value as it stands in a line of delimited text. By RFC 4180 one that holds a delimiter, a quote
 * or the end of a line stands in quotes, where quotes are doubled; so does what would be taken for
 * no value.
 */
export function csvCell(value: string, rules: CellRules): string {
  const { delimiter, quote, quoting, nullText } = rules;
  if (quoting === 'none') return unquotedCell(value, rules);
  const hasQuote = value.includes(quote);
  const isPlain =
    quoting === 'minimal' &&
    value !== nullText &&
    !hasQuote &&
    delimiterIn(value, delimiter, 0) < 0 &&
    !value.includes('\n') &&
    !value.includes('\r');
  if (isPlain) return value;
  return quote + (hasQuote ? value.split(quote).join(quote + quote) : value) + quote;
}

/**
 * Where a reader would find the delimiter: one of several characters may begin within the value and
 * end in the one behind it, as the first two of `|||` do.
 */
function delimiterIn(value: string, delimiter: string, from: number): number {
  if (delimiter.length === 1) return value.indexOf(delimiter, from);
  const at = (value + delimiter).indexOf(delimiter, from);
  return at < value.length ? at : -1;
}

function unquotedCell(value: string, { delimiter, escape: mark }: CellRules): string {
  if (mark === '') {
    const blanked = value.replaceAll(delimiter, ' ').replaceAll(/\r\n|\r|\n/g, ' ');
    return beforeDelimiters(blanked, delimiter, () => ' ');
  }
  const marked = value.split(mark).join(mark + mark);
  return beforeDelimiters(marked, delimiter, (first) => mark + first)
    .replaceAll('\n', () => `${mark}n`)
    .replaceAll('\r', () => `${mark}r`);
}

/** Changes the first character of each delimiter in a value. */
function beforeDelimiters(
  value: string,
  delimiter: string,
  change: (first: string) => string,
): string {
  let text = '';
  let from = 0;
  for (let at = 0; ; at++) {
    at = delimiterIn(value, delimiter, at);
    if (at < 0) return text + value.slice(from);
    text += value.slice(from, at) + change(delimiter.charAt(0));
    from = at + 1;
  }
}
