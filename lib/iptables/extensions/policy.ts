// -m policy (linux/netfilter/xt_policy.h, struct xt_policy_info; libxt_policy.c). An element describes one transformation of the IPsec
// policy; --strict asks for all of them in their order, parted by --next.
import {
  type BytesContext,
  elementList,
  flag,
  type IpFamily,
  isNot,
  match,
  notOption,
  type OptionsOf,
  option,
  type ParseContext,
  type Revision,
  type Value,
  ValueError,
} from './codec.ts';
import { listed } from './listed.ts';
import { maskedAddress, readMasked, writeMasked } from './masked-address.ts';
import { oneOf } from './one-of.ts';
import { bare, type Reading, withNot, without } from './option-values.ts';
import type { Struct } from './struct.ts';
import { hex, parseUnsigned, unsigned } from './values.ts';

const protocols = { esp: 50, ah: 51, ipcomp: 108 } as const;
type Protocol = keyof typeof protocols;
const protocolNames = Object.keys(protocols) as Protocol[];
const protocol: Value<Protocol> = {
  parse: ([word]) => {
    const found = protocolNames.find((name) => name === word || protocols[name] === parseUnsigned(word as string, 255));
    if (found === undefined) throw new ValueError('protocol must be ah/esp/ipcomp');
    return found;
  },
  format: (name) => [name],
};
/** In the order of XT_POLICY_MODE_*. */
const modes = ['transport', 'tunnel'] as const;

const u32 = unsigned(0xffffffff);
/** In the order the save commands print. */
const elementOptions = {
  reqid: notOption(u32),
  spi: notOption({ parse: u32.parse, format: (n: number) => [hex(n)] }),
  proto: notOption(protocol),
  mode: notOption(oneOf('mode', modes)),
  'tunnel-dst': notOption(maskedAddress),
  'tunnel-src': notOption(maskedAddress),
} as const;
export type PolicyElement = OptionsOf<typeof elementOptions>;

const options = {
  dir: option(oneOf('dir', ['in', 'out'])),
  pol: option(oneOf('pol', ['none', 'ipsec'])),
  strict: flag(),
  elements: elementList<PolicyElement>(),
} as const;
type Options = OptionsOf<typeof options>;

/** XT_POLICY_MAX_ELEM. */
const ELEMENTS = 4;
/** Of struct xt_policy_elem: 4 union nf_inet_addr saddr, smask, daddr, dmask; __be32 spi; __u32 reqid; __u8 proto, mode, match, invert. */
const ELEMENT = {
  saddr: 0,
  smask: 16,
  daddr: 32,
  dmask: 48,
  spi: 64,
  reqid: 68,
  proto: 72,
  mode: 73,
  match: 74,
  invert: 75,
  size: 76,
} as const;
/** struct xt_policy_spec as bits, and the option of each. */
const fields = [
  { key: 'tunnelSrc', bit: 0x01 },
  { key: 'tunnelDst', bit: 0x02 },
  { key: 'proto', bit: 0x04 },
  { key: 'mode', bit: 0x08 },
  { key: 'spi', bit: 0x10 },
  { key: 'reqid', bit: 0x20 },
] as const;
/** __u16 flags, len behind the elements. */
const FLAGS = ELEMENTS * ELEMENT.size;
const LEN = FLAGS + 2;
/** XT_POLICY_MATCH_*. */
const IN = 1;
const OUT = 2;
const NONE = 4;
const STRICT = 8;

function writeElement(e: PolicyElement, s: Struct, at: number, family: IpFamily): void {
  if (e.tunnelSrc !== undefined) writeMasked(s, at + ELEMENT.saddr, at + ELEMENT.smask, bare(e.tunnelSrc), family);
  if (e.tunnelDst !== undefined) writeMasked(s, at + ELEMENT.daddr, at + ELEMENT.dmask, bare(e.tunnelDst), family);
  // The header says __be32, the real program stores the number in host order.
  if (e.spi !== undefined) s.setU32(at + ELEMENT.spi, bare(e.spi));
  if (e.reqid !== undefined) s.setU32(at + ELEMENT.reqid, bare(e.reqid));
  if (e.proto !== undefined) s.setU8(at + ELEMENT.proto, protocols[bare(e.proto)]);
  if (e.mode !== undefined) s.setU8(at + ELEMENT.mode, modes.indexOf(bare(e.mode)));
  for (const { key, bit } of fields) {
    if (e[key] !== undefined) s.setU8(at + ELEMENT.match, s.u8(at + ELEMENT.match) | bit);
    if (isNot(e[key])) s.setU8(at + ELEMENT.invert, s.u8(at + ELEMENT.invert) | bit);
  }
}

function readElement(s: Struct, at: number, family: IpFamily): PolicyElement {
  const out: Reading<PolicyElement> = {};
  const inverted = s.u8(at + ELEMENT.invert);
  const given = s.u8(at + ELEMENT.match);
  const proto = protocolNames.find((name) => protocols[name] === s.u8(at + ELEMENT.proto));
  const mode = modes[s.u8(at + ELEMENT.mode)];
  const values: Required<{ [K in keyof PolicyElement]: () => NonNullable<PolicyElement[K]> | undefined }> = {
    reqid: () => s.u32(at + ELEMENT.reqid),
    spi: () => s.u32(at + ELEMENT.spi),
    proto: () => proto,
    mode: () => mode,
    tunnelDst: () => readMasked(s, at + ELEMENT.daddr, at + ELEMENT.dmask, family),
    tunnelSrc: () => readMasked(s, at + ELEMENT.saddr, at + ELEMENT.smask, family),
  };
  for (const { key, bit } of fields) {
    if ((given & bit) === 0) continue;
    const value = values[key]();
    if (value === undefined) throw new ValueError(`no word stands for this ${key}`);
    Object.assign(out, { [key]: withNot(value, (inverted & bit) !== 0) });
  }
  return out;
}

function write(o: Options, s: Struct, c: BytesContext): void {
  const elements = o.elements ?? [];
  for (const [i, e] of elements.entries()) writeElement(e, s, i * ELEMENT.size, c.family);
  s.setU16(FLAGS, (o.dir === 'out' ? OUT : IN) | (o.pol === 'none' ? NONE : 0) | (o.strict === true ? STRICT : 0));
  // Without an element the real program counts one that says nothing.
  s.setU16(LEN, o.pol === 'none' ? 0 : Math.max(1, elements.length));
}

function read(s: Struct, c: BytesContext): Options {
  const flags = s.u16(FLAGS);
  const count = s.u16(LEN);
  if (flags > (IN | OUT | NONE | STRICT) || (flags & (IN | OUT)) === 0 || (flags & (IN | OUT)) === (IN | OUT))
    throw new ValueError(`no options stand for flags ${flags}`);
  const dir = (flags & IN) !== 0 ? 'in' : 'out';
  if ((flags & NONE) !== 0) {
    if ((flags & STRICT) !== 0) throw new ValueError('policy none but --strict given');
    return { dir, pol: 'none' };
  }
  const strict = (flags & STRICT) !== 0;
  if (count < 1 || count > (strict ? ELEMENTS : 1)) throw new ValueError(`a policy of ${count} elements`);
  const elements = Array.from({ length: count }, (_, i) => readElement(s, i * ELEMENT.size, c.family));
  return checked({ dir, pol: 'ipsec', ...(strict ? { strict } : {}), elements });
}

/** The rules of the whole; an element that says nothing isn't kept. */
function checked(o: Options): Options {
  const { dir, pol = 'ipsec', strict, elements = [] } = o;
  if (dir === undefined) throw new ValueError('neither --dir in nor --dir out specified');
  if (elements.length > ELEMENTS) throw new ValueError('maximum policy depth reached');
  if (pol === 'none') {
    if (strict === true) throw new ValueError('policy none but --strict given');
    if (elements.length > 1) throw new ValueError('policy none but policy given');
    return { dir, pol };
  }
  if (elements.length > 1 && strict !== true) throw new ValueError('option "--next" also requires "--strict"');
  for (const [i, e] of (elements.length === 0 ? [{}] : elements).entries()) checkElement(e, i, strict === true);
  const some = elements.some((e) => Object.keys(e).length > 0);
  return { ...without(o, 'elements'), dir, pol, ...(some ? { elements } : {}) };
}

function checkElement(e: PolicyElement, i: number, strict: boolean): void {
  if (strict && Object.keys(e).length === 0)
    throw new ValueError(
      `empty policy element ${i}: --strict needs at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode in each`,
    );
  // The mode of an element without one is 0, transport.
  const tunnel = e.mode !== undefined && (bare(e.mode) === 'tunnel') !== isNot(e.mode);
  if ((e.tunnelSrc !== undefined || e.tunnelDst !== undefined) && !tunnel)
    throw new ValueError('--tunnel-src/--tunnel-dst is only valid in tunnel mode');
}

/** Of an IPv4 address and mask the kernel looks at 4 bytes. */
function canonicalIpv4(s: Struct): void {
  for (let i = 0; i < ELEMENTS; i++) {
    for (const at of [ELEMENT.saddr, ELEMENT.smask, ELEMENT.daddr, ELEMENT.dmask])
      s.bytes.fill(0, i * ELEMENT.size + at + 4, i * ELEMENT.size + at + 16);
  }
}
const layout = { revision: 0, size: 308, write, read } satisfies Revision<Options>;

export const policy = match('policy', {
  options,
  elements: { key: 'elements', next: 'next', options: elementOptions },
  revisions: [
    { ...layout, family: 'ip', canonical: canonicalIpv4 },
    { ...layout, family: 'ip6' },
  ],
  finish: checked,
  print: (o, c) => {
    const words = ['--dir', o.dir ?? 'in', '--pol', o.pol ?? 'ipsec', ...(o.strict === true ? ['--strict'] : [])];
    for (const [i, e] of (o.elements ?? []).entries()) words.push(...(i > 0 ? ['--next'] : []), ...elementWords(e, c));
    return words;
  },
  list: (o, c) => {
    let text = ` policy match dir ${o.dir ?? 'in'} pol ${o.pol ?? 'ipsec'}${o.strict === true ? ' strict' : ''}`;
    const elements = o.elements ?? [];
    const show = (key: string, value: unknown): string | undefined =>
      key === 'proto' && c.numeric ? String(protocols[value as Protocol]) : undefined;
    for (const [i, e] of elements.entries()) text += (elements.length > 1 ? ` [${i}]` : '') + listed(elementOptions, e, c, { show });
    return text;
  },
});

function elementWords(e: PolicyElement, c: ParseContext): string[] {
  return listed(elementOptions, e, { ...c, numeric: false }, { prefix: '--' })
    .split(' ')
    .slice(1);
}
