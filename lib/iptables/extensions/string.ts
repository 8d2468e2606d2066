// -m string (linux/netfilter/xt_string.h, struct xt_string_info; libxt_string.c).
import { decodeText, encodeText } from '../../wire/text.ts';
import { saveQuoted } from '../words.ts';
import { flag, isNot, match, type Not, notOption, type OptionsOf, option, type Revision, type Value, ValueError } from './codec.ts';
import { oneOf } from './one-of.ts';
import { bare, exclusive, mandatory, onlyBits, type Reading, withNot, without } from './option-values.ts';
import type { Struct } from './struct.ts';
import { textBytes, unsigned } from './values.ts';

/** XT_STRING_MAX_PATTERN_SIZE. */
const PATTERN_MAX = 128;
/** The algorithms of the kernel's text search that its string match takes. */
const algorithms = ['bm', 'kmp'] as const;

function limited(bytes: Uint8Array): Uint8Array {
  if (bytes.length > PATTERN_MAX) throw new ValueError(`STRING too long, ${PATTERN_MAX} bytes are allowed`);
  return bytes;
}

const pattern: Value<string> = {
  parse: ([word]) => {
    if ((word as string).includes('\0')) throw new ValueError('holds a NUL, which --hex-string can say');
    limited(textBytes(word as string));
    return word as string;
  },
  format: (v) => [v],
  quote: 'always',
};
/** Text with bytes in hex between bars: `GET|20|/`. Canonical is all of it in hex. */
const hexPattern: Value<string> = {
  parse: ([word]) => inHex(limited(parseHex(word as string))),
  format: (v) => [v],
  quote: 'always',
};

/**
 * What the real parser does at the edges is kept: blanks after an opening bar and one after each byte count for nothing, the character
 * after a closing bar is taken as it is, a bar at the very end ends, and outside the bars a backslash takes the next character.
 */
function parseHex(text: string): Uint8Array {
  if (text === '') throw new ValueError('STRING must contain at least one char');
  const source = textBytes(text);
  const out: number[] = [];
  let inHex = false;
  for (let at = 0; at < source.length; ) {
    let plain = false;
    if (source[at] === BACKSLASH) {
      if (inHex) throw new ValueError('Cannot include literals in hex data');
      if (++at === source.length) throw new ValueError('Bad literal placement at end of string');
      plain = true;
    } else if (source[at] === BAR) {
      inHex = !inHex;
      if (inHex) while (source[at + 1] === BLANK) at++;
      if (++at === source.length) break;
      plain = !inHex;
    }
    if (plain || !inHex) {
      out.push(source[at++] as number);
      continue;
    }
    const digits = decodeText(source, at, Math.min(at + 2, source.length));
    if (digits.length < 2) throw new ValueError('Odd number of hex digits');
    if (at + 2 === source.length) throw new ValueError('Invalid hex block: a bar ends it');
    if (!/^[0-9a-f]{2}$/i.test(digits)) throw new ValueError(`Invalid hex char in "${digits}"`);
    out.push(Number.parseInt(digits, 16));
    at += source[at + 2] === BLANK ? 3 : 2;
  }
  return Uint8Array.from(out);
}
const BLANK = 0x20;
const BACKSLASH = 0x5c;
const BAR = 0x7c;

function inHex(bytes: Uint8Array): string {
  // Two bars alone would be half a byte; one, at the end, is none.
  return bytes.length === 0 ? '|' : `|${Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')}|`;
}
/** Printable ASCII; a backslash at the end would take the quote after it. */
function isPlain(bytes: Uint8Array): boolean {
  return bytes.every((b) => b >= BLANK && b < 0x7f) && bytes[bytes.length - 1] !== BACKSLASH;
}
function patternBytes(o: Options): Uint8Array {
  if (o.string !== undefined) return encodeText(bare(o.string));
  return o.hexString === undefined ? new Uint8Array(0) : parseHex(bare(o.hexString));
}
/** As text where it can be, else in hex. */
function canonicalPattern(bytes: Uint8Array, inverted: boolean): Pick<Options, 'string' | 'hexString'> {
  return isPlain(bytes)
    ? { string: withNot(decodeText(bytes, 0, bytes.length), inverted) }
    : { hexString: withNot(inHex(bytes), inverted) };
}

const offset = option(unsigned(0xffff));
/** In the order the save commands print. */
const options = {
  string: notOption(pattern),
  'hex-string': notOption(hexPattern),
  algo: option(oneOf('algo', algorithms)),
  from: offset,
  to: offset,
  icase: flag(),
} as const;
type Options = OptionsOf<typeof options>;

/** Offsets: __u16 from_offset, to_offset; char algo[16], pattern[128]; __u8 patlen, invert or flags; then the kernel's own pointer. */
const TO = 2;
const ALGO = 4;
const ALGO_SIZE = 16;
const PATTERN = 20;
const LENGTH = 148;
const FLAGS = 149;
const CONFIG = 152;
const SIZE = 160;
const END = 0xffff;
/** XT_STRING_FLAG_*; before revision 1 the byte is 0 or 1. */
const INVERT = 0x01;
const IGNORE_CASE = 0x02;

function given(o: Options): Not<string> | undefined {
  return o.string ?? o.hexString;
}
function write(o: Options, s: Struct): void {
  s.setU16(0, o.from ?? 0);
  s.setU16(TO, o.to ?? END);
  s.setText(ALGO, ALGO_SIZE, o.algo ?? '');
  const bytes = patternBytes(o);
  s.set(PATTERN, bytes);
  s.setU8(LENGTH, bytes.length);
  s.setU8(FLAGS, (isNot(given(o)) ? INVERT : 0) | (o.icase === true ? IGNORE_CASE : 0));
}
function read(s: Struct, inverted: boolean, icase: boolean): Options {
  const algo = algorithms.find((name) => name === s.text(ALGO, ALGO_SIZE));
  if (algo === undefined) throw new ValueError(`there is no algorithm "${s.text(ALGO, ALGO_SIZE)}"`);
  const length = s.u8(LENGTH);
  if (length > PATTERN_MAX) throw new ValueError(`a pattern has no ${length} bytes`);
  const out: Reading<Options> = { ...canonicalPattern(s.copy(PATTERN, length), inverted), algo };
  if (s.u16(0) !== 0) out.from = s.u16(0);
  if (s.u16(TO) !== END) out.to = s.u16(TO);
  if (icase) out.icase = true;
  return out;
}
const common = { size: SIZE, kernelPrivate: [[CONFIG, SIZE]], write } as const satisfies Partial<Revision<Options>>;

export const string = match('string', {
  options,
  revisions: [
    { ...common, revision: 0, can: (o) => o.icase === undefined, read: (s) => read(s, s.u8(FLAGS) !== 0, false) },
    {
      ...common,
      revision: 1,
      read: (s) => {
        const flags = onlyBits(s.u8(FLAGS), INVERT | IGNORE_CASE);
        return read(s, (flags & INVERT) !== 0, (flags & IGNORE_CASE) !== 0);
      },
    },
  ],
  finish: (o) => {
    exclusive(o, 'string', 'hexString');
    if (given(o) === undefined) throw new ValueError("You must specify `--string' or `--hex-string'");
    mandatory(o, 'algo');
    const { from, to, ...others } = without(o, 'string', 'hexString');
    return {
      ...canonicalPattern(patternBytes(o), isNot(given(o))),
      ...others,
      ...(from === undefined || from === 0 ? {} : { from }),
      ...(to === undefined || to === END ? {} : { to }),
    };
  },
  list: (o) => {
    let out = ` STRING match ${isNot(given(o)) ? '!' : ''} ${saveQuoted(bare(given(o) ?? ''))} ALGO name ${o.algo}`;
    if (o.from !== undefined) out += ` FROM ${o.from}`;
    if (o.to !== undefined) out += ` TO ${o.to}`;
    return o.icase === true ? `${out} ICASE` : out;
  },
});
