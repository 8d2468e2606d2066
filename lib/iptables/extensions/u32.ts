// -m u32 (linux/netfilter/xt_u32.h, struct xt_u32; libxt_u32.c).
import { isNot, match, notOption, type Value, ValueError } from './codec.ts';
import { bare, mandatory, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';
import { hex, parseUnsigned } from './values.ts';

/** XT_U32_MAXSIZE: of the tests, and of the numbers and ranges in each; the struct has place for one more. */
const MAX = 10;
/** enum xt_u32_ops. */
const operators = ['&', '<<', '>>', '@'] as const;

interface Test {
  /** The first has no operator. */
  readonly location: readonly { readonly operator: number; readonly number: number }[];
  readonly values: readonly { readonly min: number; readonly max: number }[];
}

/** `location=value[,value]…[&&…]`, with blanks between the parts. */
class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  tests(): Test[] {
    const tests: Test[] = [];
    do {
      if (tests.length === MAX) throw this.#error('too many "&&"s');
      tests.push({ location: this.#location(), values: this.#values() });
    } while (this.#take('&&'));
    if (!this.#end()) throw this.#error('expected "," or "&&"');
    return tests;
  }

  #location(): Test['location'] {
    if (this.#end()) throw this.#error('abrupt end of input after location specifier');
    const location: { operator: number; number: number }[] = [{ operator: 0, number: this.#number() }];
    while (!this.#take('=')) {
      if (this.#end()) throw this.#error('abrupt end of input after location specifier');
      const operator = operators.findIndex((o) => this.#take(o));
      if (operator < 0) throw this.#error('operator expected: &, <<, >> or @');
      if (location.length === MAX) throw this.#error('too many operators');
      location.push({ operator, number: this.#number() });
    }
    return location;
  }

  #values(): Test['values'] {
    const values: { min: number; max: number }[] = [];
    do {
      if (values.length === MAX) throw this.#error('too many ","s');
      const min = this.#number();
      values.push({ min, max: this.#take(':') ? this.#number() : min });
    } while (this.#take(','));
    return values;
  }

  #number(): number {
    this.#skipBlanks();
    const [digits] = /^\+?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)/i.exec(this.#text.slice(this.#at)) ?? [];
    const number = digits === undefined ? undefined : parseUnsigned(digits, 0xffffffff);
    if (digits === undefined || number === undefined) throw this.#error('not a number or out of range');
    this.#at += digits.length;
    return number;
  }

  #take(token: string): boolean {
    this.#skipBlanks();
    if (!this.#text.startsWith(token, this.#at)) return false;
    this.#at += token.length;
    return true;
  }
  #end(): boolean {
    this.#skipBlanks();
    return this.#at === this.#text.length;
  }
  #skipBlanks(): void {
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
  }
  #error(reason: string): ValueError {
    return new ValueError(`at char ${this.#at}: ${reason}`);
  }
}

function textOf(tests: readonly Test[]): string {
  return tests
    .map(({ location, values }) => {
      const place = location.map(({ operator, number }, i) => `${i === 0 ? '' : operators[operator]}${hex(number)}`).join('');
      return `${place}=${values.map(({ min, max }) => (min === max ? hex(min) : `${hex(min)}:${hex(max)}`)).join(',')}`;
    })
    .join('&&');
}

const tests: Value<string> = {
  parse: ([word]) => textOf(new Reader(word as string).tests()),
  format: (v) => [v],
  quote: 'always',
};

/**
 * Offsets: struct xt_u32_test tests[11], each struct { __u32 number; __u8 nextop } location[11]; struct { __u32 min, max } value[11];
 * __u8 nnums, nvalues; after them __u8 ntests, invert.
 */
const TEST_SIZE = 180;
const VALUES = 88;
const NUMBER_COUNT = 176;
const VALUE_COUNT = 177;
const TEST_COUNT = 1980;
const INVERT = 1981;

function readTest(s: Struct, at: number): Test {
  const location = Array.from({ length: count(s, at + NUMBER_COUNT) }, (_, i) => ({
    operator: s.u8(at + 8 * i + 4),
    number: s.u32(at + 8 * i),
  }));
  const wrong = location.slice(1).find(({ operator }) => operators[operator] === undefined);
  if (wrong !== undefined) throw new ValueError(`no text stands for operator ${wrong.operator}`);
  const values = Array.from({ length: count(s, at + VALUE_COUNT) }, (_, i) => ({
    min: s.u32(at + VALUES + 8 * i),
    max: s.u32(at + VALUES + 8 * i + 4),
  }));
  return { location, values };
}
function count(s: Struct, at: number): number {
  const n = s.u8(at);
  if (n === 0 || n > MAX) throw new ValueError(`no text stands for ${n} tests, numbers or values`);
  return n;
}

export const u32 = match('u32', {
  options: { u32: notOption(tests) },
  revisions: [
    {
      revision: 0,
      size: 1984,
      write: (o, s) => {
        if (o.u32 === undefined) return;
        const list = new Reader(bare(o.u32)).tests();
        for (const [t, { location, values }] of list.entries()) {
          const at = TEST_SIZE * t;
          for (const [i, { operator, number }] of location.entries()) {
            s.setU32(at + 8 * i, number);
            s.setU8(at + 8 * i + 4, operator);
          }
          for (const [i, { min, max }] of values.entries()) {
            s.setU32(at + VALUES + 8 * i, min);
            s.setU32(at + VALUES + 8 * i + 4, max);
          }
          s.setU8(at + NUMBER_COUNT, location.length);
          s.setU8(at + VALUE_COUNT, values.length);
        }
        s.setU8(TEST_COUNT, list.length);
        s.setU8(INVERT, isNot(o.u32) ? 1 : 0);
      },
      read: (s) => {
        const list = Array.from({ length: count(s, TEST_COUNT) }, (_, t) => readTest(s, TEST_SIZE * t));
        return { u32: withNot(textOf(list), s.u8(INVERT) !== 0) };
      },
    },
  ],
  finish: (o) => {
    mandatory(o, 'u32');
    return o;
  },
  list: (o) => ` u32${isNot(o.u32) ? ' !' : ''} "${bare(o.u32 ?? '')}"`,
});
