/**
 * Java's regular expressions in JavaScript's form. What Java writes in another way is translated;
 * what JavaScript has no form for is refused, as a SyntaxError: a pattern never means something
 * else than it did.
 */
interface TranslatedPattern {
  readonly source: string;
  readonly flags: string;
}

/** A pattern that must match a whole text, as `Matcher.matches` does. @throws SyntaxError */
export function javaPattern(pattern: string): RegExp {
  const { source, flags } = translateJavaPattern(pattern);
  return new RegExp(`^(?:${source})$`, flags);
}

/** A pattern that is looked for anywhere in a text, as `Matcher.find` does. @throws SyntaxError */
export function javaSearch(pattern: string): RegExp {
  const { source, flags } = translateJavaPattern(pattern);
  return new RegExp(source, flags);
}

/** @throws SyntaxError when it is no regular expression, or one that JavaScript can't express */
function translateJavaPattern(pattern: string): TranslatedPattern {
  const translation = new Translation(pattern);
  const translated = translation.run();
  // A mistake in it is found here, by whoever reads the configuration.
  new RegExp(translated.source, translated.flags);
  return translated;
}

/** Java's names of ASCII classes, as what stands between brackets. */
const posixClasses: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7F',
  Alpha: 'A-Za-z',
  Digit: '0-9',
  Alnum: 'A-Za-z0-9',
  Punct: '!-\\/:-@\\[-`{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1F\\x7F',
  XDigit: '0-9A-Fa-f',
  Space: ' \\t\\n\\x0B\\f\\r',
};

/** Escapes of a class, as what stands between brackets. Java's `\s` is ASCII alone. */
const classEscapes: Readonly<Record<string, string>> = {
  s: ' \\t\\n\\x0B\\f\\r',
  h: ' \\t\\xA0\\u1680\\u180E\\u2000-\\u200A\\u202F\\u205F\\u3000',
};

const plainEscapes: Readonly<Record<string, string>> = {
  a: '\\x07',
  e: '\\x1B',
  R: '(?:\\r\\n|[\\n\\x0B\\f\\r\\x85\\u2028\\u2029])',
  A: '(?<![\\s\\S])',
  z: '(?![\\s\\S])',
  Z: '(?=\\n?(?![\\s\\S]))',
};

/** Letters after a backslash that mean the same in both. */
const sameEscapes = 'dDwWbBtnrfvuxck123456789';
const syntaxCharacters = '^$\\.*+?()[]{}|/-';
const quantifier = /^(?:[*+?]|\{\d+(?:,\d*)?\})/;

class Translation {
  readonly #pattern: string;
  #at = 0;
  #out = '';
  #unicode = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  run(): TranslatedPattern {
    const flags = this.#flags();
    while (this.#at < this.#pattern.length) this.#next();
    return { source: this.#out, flags: this.#unicode ? `${flags}u` : flags };
  }

  get #rest(): string {
    return this.#pattern.slice(this.#at);
  }

  /** Flags for the whole pattern, as `(?i)` at its beginning. */
  #flags(): string {
    const found = /^\(\?([a-zA-Z-]+)\)/.exec(this.#pattern);
    if (!found) return '';
    this.#at = found[0].length;
    const flags = found[1] ?? '';
    if (/[^imsu]/.test(flags)) throw new SyntaxError(`the flags ${found[0]} have no form here`);
    return [...new Set(flags.replace('u', ''))].join('');
  }

  #next(): void {
    const char = this.#pattern[this.#at] as string;
    if (char === '\\') this.#escape();
    else if (char === '[') this.#class();
    else if (char === '(') this.#group();
    else {
      const found = quantifier.exec(this.#rest)?.[0];
      this.#out += found ?? char;
      this.#at += (found ?? char).length;
      if (!found) return;
      if (this.#pattern[this.#at] === '+')
        this.#at++; // Possessive.
      else if (this.#pattern[this.#at] === '?') this.#take(1);
    }
  }

  #take(length: number): void {
    this.#out += this.#pattern.slice(this.#at, this.#at + length);
    this.#at += length;
  }

  #group(): void {
    if (this.#rest.startsWith('(?>')) {
      this.#out += '(?:';
      this.#at += 3;
      return;
    }
    const found = /^\(\?([a-zA-Z-]+)([:)])/.exec(this.#rest);
    const [whole = '(', flags = '', end] = found ?? [];
    if (end === ')') throw new SyntaxError(`${whole} is understood at the beginning alone`);
    if (/[^ims-]/.test(flags)) throw new SyntaxError(`the flags ${whole} have no form here`);
    this.#take(whole.length);
  }

  #class(): void {
    this.#take(this.#rest.startsWith('[^') ? 2 : 1);
    // Right after the bracket it is a character like any other.
    if (this.#pattern[this.#at] === ']') {
      this.#out += '\\]';
      this.#at++;
    }
    for (;;) {
      const char = this.#pattern[this.#at];
      if (char === undefined) throw new SyntaxError('a [ is not closed');
      if (char === ']') {
        this.#take(1);
        return;
      }
      if (char === '[' || this.#rest.startsWith('&&')) {
        throw new SyntaxError('classes within classes have no form here');
      }
      if (char === '\\') this.#escape(true);
      else this.#take(1);
    }
  }

  #escape(inClass = false): void {
    const char = this.#pattern[this.#at + 1];
    if (char === undefined) throw new SyntaxError('it ends in a backslash');
    this.#at += 2;
    if (char === 'Q') this.#quoted();
    else if (char === 'p' || char === 'P') this.#property(char, inClass);
    else if (char === '0') this.#octal();
    else if (char === 'x' && this.#pattern[this.#at] === '{') this.#codePoint();
    else if (inClass && (char === 's' || char === 'h')) this.#out += classEscapes[char];
    else if (char === 's' || char === 'h') this.#out += `[${classEscapes[char]}]`;
    else if (!inClass && char === 'S') this.#out += `[^${classEscapes['s']}]`;
    else if (inClass && char === 'S') this.#out += '\\S';
    else if (!inClass && plainEscapes[char]) this.#out += plainEscapes[char];
    else if (sameEscapes.includes(char)) this.#out += `\\${char}`;
    else if (/[A-Za-z]/.test(char)) throw new SyntaxError(`\\${char} has no form here`);
    else this.#literal(char);
  }

  #literal(char: string): void {
    this.#out += syntaxCharacters.includes(char) ? escaped(char) : char;
  }

  #quoted(): void {
    const end = this.#pattern.indexOf('\\E', this.#at);
    const text = this.#pattern.slice(this.#at, end < 0 ? undefined : end);
    this.#at = end < 0 ? this.#pattern.length : end + 2;
    for (const char of text) this.#literal(char);
  }

  #property(letter: 'p' | 'P', inClass: boolean): void {
    const found = /^(?:\{(\w+)\}|([A-Z]))/.exec(this.#rest);
    if (!found) throw new SyntaxError(`\\${letter} without a name`);
    this.#at += found[0].length;
    const name = (found[1] ?? found[2] ?? '').replace(/^Is/, '');
    const posix = posixClasses[name];
    if (posix !== undefined && letter === 'p') this.#out += inClass ? posix : `[${posix}]`;
    else if (posix !== undefined && !inClass) this.#out += `[^${posix}]`;
    else {
      this.#unicode = true;
      this.#out += `\\${letter}{${name}}`;
    }
  }

  #octal(): void {
    const digits = /^[0-3]?[0-7]{1,2}/.exec(this.#rest)?.[0];
    if (digits === undefined) throw new SyntaxError('\\0 without octal digits');
    this.#at += digits.length;
    this.#out += `\\x${Number.parseInt(digits, 8).toString(16).padStart(2, '0')}`;
  }

  #codePoint(): void {
    const found = /^\{([0-9A-Fa-f]{1,6})\}/.exec(this.#rest);
    if (!found) throw new SyntaxError('\\x{ without a number');
    this.#at += found[0].length;
    this.#unicode = true;
    this.#out += `\\u{${found[1]}}`;
  }
}

/** A hyphen is escaped within classes alone; as a code it may be written anywhere. */
function escaped(char: string): string {
  return char === '-' ? '\\x2D' : `\\${char}`;
}
