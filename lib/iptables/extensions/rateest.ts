// -m rateest (linux/netfilter/xt_rateest.h, struct xt_rateest_match_info; libxt_rateest.c). One estimator against a rate (absolute), or
// against another estimator (relative, with --rateest2); with --rateest-delta what the estimators are above given rates.
import { flag, isNot, match, notFlag, type OptionSpec, type OptionsOf, option, type Value, ValueError } from './codec.ts';
import { endedText, type Reading, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';
import { name, parseUnsigned } from './values.ts';

const U32_MAX = 0xffffffff;
/** Bits of each unit, in lower case. */
const units: Readonly<Record<string, number>> = { '': 1, bit: 1, bps: 8 };
const multiples = { k: 1e3, ki: 2 ** 10, m: 1e6, mi: 2 ** 20, g: 1e9, gi: 2 ** 30, t: 1e12, ti: 2 ** 40 } as const;

/** The bytes a second of a rate in bits, `2.5mbit`, or in bytes, `1KBps`; the kernel's u32 has no bits. */
function bytesOf(text: string): number {
  const exact = /^(.*)@([0-9]+)$/.exec(text);
  if (exact !== null) {
    const bytes = Number(exact[2]);
    if (bytes <= U32_MAX && printed(bytes) === exact[1]) return bytes;
    throw new ValueError(`could not parse rate \`${text}'`);
  }
  const [, digits = '', multiple = '', unit = ''] =
    /^\+?(0x[0-9a-f]+|[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|\.[0-9]+(?:e[+-]?[0-9]+)?)(?:([kmgt]i?)(?=b))?(bit|bps)?$/i.exec(text) ?? [];
  const factor = multiple === '' ? 1 : multiples[multiple.toLowerCase() as keyof typeof multiples];
  const bytes = digits === '' ? Number.NaN : Math.floor((Number(digits) * factor * (units[unit.toLowerCase()] as number)) / 8);
  if (!(bytes <= U32_MAX)) throw new ValueError(`could not parse rate \`${text}'`);
  return bytes;
}

/** As the save commands print: rounded to the unit. */
function printed(bytes: number): string {
  const bits = bytes * 8;
  if (bits >= 1e9) return `${rounded(bits / 1e6)}Mbit`;
  return bits >= 1e6 ? `${rounded(bits / 1e3)}Kbit` : `${bits}bit`;
}
/** %.0f of C: halves to the even number. */
function rounded(n: number): number {
  const floor = Math.floor(n);
  return n - floor === 0.5 ? floor + (floor % 2) : Math.round(n);
}
/** As printed; a rate that doesn't read back the same is kept after an @: `1235Kbit@154320`. */
function canonical(bytes: number): string {
  const text = printed(bytes);
  return bytesOf(text) === bytes ? text : `${text}@${bytes}`;
}

/** true: without a rate, as between two estimators. */
const rate: Value<string | true> = {
  parse: ([word]) => (word === undefined ? true : canonical(bytesOf(word))),
  format: (v) => (v === true ? [] : [v.replace(/@.*/, '')]),
};
const packets: Value<number | true> = {
  parse: ([word]) => {
    const n = word === undefined ? true : parseUnsigned(word, U32_MAX);
    if (n === undefined) throw new ValueError(`could not parse pps \`${word}'`);
    return n;
  },
  format: (v) => (v === true ? [] : [String(v)]),
};
function optional<T>(value: Value<T>): OptionSpec<T> {
  return { words: '0-1', value, not: false };
}

/** IFNAMSIZ. */
const NAME_SIZE = 16;
const estimator = option(name(NAME_SIZE - 1));
/** In the order the save commands print. */
const options = {
  'rateest-delta': flag(),
  rateest: estimator,
  rateest1: estimator,
  'rateest-bps1': optional(rate),
  'rateest-pps1': optional(packets),
  'rateest-lt': notFlag(),
  'rateest-gt': notFlag(),
  'rateest-eq': notFlag(),
  'rateest-bps': optional(rate),
  'rateest-bps2': optional(rate),
  'rateest-pps': optional(packets),
  'rateest-pps2': optional(packets),
  rateest2: estimator,
} as const;
type Options = OptionsOf<typeof options>;

/** XT_RATEEST_MATCH_EQ, LT, GT. */
const comparisons = [
  { key: 'rateestEq', word: 'eq', mode: 1 },
  { key: 'rateestLt', word: 'lt', mode: 2 },
  { key: 'rateestGt', word: 'gt', mode: 3 },
] as const;

/** Offsets: char name1[16], name2[16]; __u16 flags, mode; __u32 bps1, pps1, bps2, pps2; then the kernel's two pointers. */
const NAME2 = 16;
const FLAGS = 32;
const MODE = 34;
const BPS1 = 36;
const PPS1 = 40;
const BPS2 = 44;
const PPS2 = 48;
/** XT_RATEEST_MATCH_*. */
const INVERT = 0x01;
const ABSOLUTE = 0x02;
const RELATIVE = 0x04;
const DELTA = 0x08;
const BPS = 0x10;
const PPS = 0x20;

const bytes = (v: string | true | undefined): number => (typeof v === 'string' ? bytesOf(v) : 0);
const count = (v: number | true | undefined): number => (typeof v === 'number' ? v : 0);
const given = (o: Options): { readonly word: string; readonly mode: number; readonly inverted: boolean } => {
  const { key, word, mode } = comparisons.find((c) => o[c.key] !== undefined) ?? comparisons[0];
  return { word, mode, inverted: isNot(o[key]) };
};

function read(s: Struct): Options {
  const flags = s.u16(FLAGS);
  const kind = flags & (ABSOLUTE | RELATIVE);
  const comparison = comparisons.find(({ mode }) => mode === s.u16(MODE));
  if (flags > 0x3f || (flags & (BPS | PPS)) === 0 || (kind !== ABSOLUTE && kind !== RELATIVE) || comparison === undefined)
    throw new ValueError(`no options stand for flags ${flags} and mode ${s.u16(MODE)}`);
  const names = [endedText(s, 0, NAME_SIZE), endedText(s, NAME2, NAME_SIZE)] as const;
  const out: Reading<Options> = kind === RELATIVE ? { rateest1: names[0], rateest2: names[1] } : { rateest: names[0] };
  out[comparison.key] = withNot(true as const, (flags & INVERT) !== 0);
  const delta = (flags & DELTA) !== 0;
  if (delta) out.rateestDelta = true;
  if ((flags & BPS) !== 0) {
    if (delta) out.rateestBps1 = canonical(s.u32(BPS1));
    out[delta ? 'rateestBps2' : 'rateestBps'] = delta || kind === ABSOLUTE ? canonical(s.u32(BPS2)) : true;
  }
  if ((flags & PPS) !== 0) {
    if (delta) out.rateestPps1 = s.u32(PPS1);
    out[delta ? 'rateestPps2' : 'rateestPps'] = delta || kind === ABSOLUTE ? s.u32(PPS2) : true;
  }
  return out;
}

/** `--rateest-bps` is `--rateest-bps2` under another name; what is printed depends on the mode. */
function rates<T>(
  of: 'bps' | 'pps',
  first: T | true | undefined,
  plain: T | true | undefined,
  second: T | true | undefined,
): T | true | undefined {
  if (plain !== undefined && second !== undefined) throw new ValueError(`can't specify --rateest-${of}2 twice`);
  return plain ?? second ?? (first === undefined ? undefined : true);
}

export const rateest = match('rateest', {
  options,
  revisions: [
    {
      revision: 0,
      size: 72,
      kernelPrivate: [[56, 72]],
      write: (o, s) => {
        const { mode, inverted } = given(o);
        s.setText(0, NAME_SIZE, o.rateest ?? o.rateest1 ?? '');
        s.setText(NAME2, NAME_SIZE, o.rateest2 ?? '');
        let flags = (inverted ? INVERT : 0) | (o.rateest2 === undefined ? ABSOLUTE : RELATIVE) | (o.rateestDelta === true ? DELTA : 0);
        if ((o.rateestBps ?? o.rateestBps2) !== undefined) flags |= BPS;
        if ((o.rateestPps ?? o.rateestPps2) !== undefined) flags |= PPS;
        s.setU16(FLAGS, flags);
        s.setU16(MODE, mode);
        s.setU32(BPS1, bytes(o.rateestBps1));
        s.setU32(PPS1, count(o.rateestPps1));
        s.setU32(BPS2, bytes(o.rateestBps ?? o.rateestBps2));
        s.setU32(PPS2, count(o.rateestPps ?? o.rateestPps2));
      },
      read,
      canonical: (s) => {
        // Without --rateest-delta the kernel asks for no rate to take away, and between two estimators for none at all.
        const flags = s.u16(FLAGS);
        if ((flags & DELTA) === 0) s.bytes.fill(0, BPS1, (flags & RELATIVE) !== 0 ? PPS2 + 4 : BPS2);
      },
    },
  ],
  finish: (o) => {
    const { rateest, rateest1, rateest2, rateestBps1, rateestPps1, rateestBps, rateestBps2, rateestPps, rateestPps2, ...rest } = o;
    if (rateest !== undefined && rateest1 !== undefined) throw new ValueError("can't specify --rateest1 twice");
    const first = rateest ?? rateest1;
    if (first === undefined) throw new ValueError('option "--rateest" must be specified');
    const [one, other] = comparisons.filter(({ key }) => o[key] !== undefined);
    if (one === undefined) throw new ValueError('one of --rateest-lt, --rateest-gt and --rateest-eq must be specified');
    if (other !== undefined) throw new ValueError("can't specify lt/gt/eq twice");
    const bps = rates('bps', rateestBps1, rateestBps, rateestBps2);
    const pps = rates('pps', rateestPps1, rateestPps, rateestPps2);
    if (bps === undefined && pps === undefined) throw new ValueError('one of --rateest-bps and --rateest-pps must be specified');
    const out: Reading<Options> = rest;
    if (rateest2 === undefined) out.rateest = first;
    else Object.assign(out, { rateest1: first, rateest2 });
    const delta = rest.rateestDelta === true;
    // Between two estimators without --rateest-delta a rate has no meaning; elsewhere one left out is 0.
    const plain = !delta && rateest2 !== undefined;
    const rateOf = (v: string | true | undefined): string | true => (plain ? true : canonical(bytes(v)));
    const countOf = (v: number | true | undefined): number | true => (plain ? true : count(v));
    if (bps !== undefined) {
      if (delta) out.rateestBps1 = rateOf(rateestBps1);
      out[delta ? 'rateestBps2' : 'rateestBps'] = rateOf(bps);
    }
    if (pps !== undefined) {
      if (delta) out.rateestPps1 = countOf(rateestPps1);
      out[delta ? 'rateestPps2' : 'rateestPps'] = countOf(pps);
    }
    return out;
  },
  list: (o, c) => {
    const { word, inverted } = given(o);
    const comparison = ` ${inverted ? '! ' : ''}${word}`;
    const bps = (v: string | true | undefined): string =>
      typeof v !== 'string' ? '' : ` ${c.numeric ? bytesOf(v) : rate.format(v, c)[0]}`;
    const pps = (v: number | true | undefined): string => (typeof v !== 'number' ? '' : ` ${v}`);
    const second = { bps: o.rateestBps ?? o.rateestBps2, pps: o.rateestPps ?? o.rateestPps2 };
    const relative = o.rateest2 !== undefined;
    let text = ` rateest match ${o.rateest ?? o.rateest1 ?? ''}${o.rateestDelta === true ? ' delta' : ''}`;
    if (second.bps !== undefined) text += ` bps${bps(o.rateestBps1)}${relative ? '' : bps(second.bps) + comparison}`;
    if (second.pps !== undefined) text += ` pps${pps(o.rateestPps1)}${relative ? '' : comparison + pps(second.pps)}`;
    if (!relative) return text;
    text += `${comparison} ${o.rateest2}`;
    if (second.bps !== undefined) text += ` bps${bps(second.bps)}`;
    return second.pps === undefined ? text : `${text} pps${pps(second.pps)}`;
  },
});
