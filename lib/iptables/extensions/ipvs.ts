// -m ipvs (linux/netfilter/xt_ipvs.h, struct xt_ipvs_mtinfo; libxt_ipvs.c).
import { protocol } from '../rule/protocols.ts';
import {
  type IpFamily,
  isNot,
  match,
  type Not,
  notFlag,
  notOption,
  type OptionsOf,
  option,
  type Revision,
  type Value,
  ValueError,
} from './codec.ts';
import { direction } from './conntrack-states.ts';
import { listed } from './listed.ts';
import { isUnspecified, maskedAddress, readMasked, writeMasked } from './masked-address.ts';
import { bare, type Reading, withNot, without } from './option-values.ts';
import { plainPort } from './ports.ts';

/** IP_VS_CONN_F_* of each forwarding method (linux/ip_vs.h). */
const methods = { GATE: 3, IPIP: 2, MASQ: 0 } as const;
export type ForwardingMethod = keyof typeof methods;
const methodNames = Object.keys(methods) as ForwardingMethod[];
const method: Value<ForwardingMethod> = {
  parse: ([word]) => {
    const found = methodNames.find((name) => name === (word as string).toUpperCase());
    if (found === undefined) throw new ValueError(`Bad value "${word}"`);
    return found;
  },
  format: (v) => [v],
};

/** In the order the save commands print. */
const options = {
  ipvs: notFlag(),
  vproto: notOption(protocol),
  vaddr: notOption(maskedAddress),
  vport: notOption(plainPort),
  vdir: option(direction),
  vmethod: notOption(method),
  vportctl: notOption(plainPort),
} as const;
type Options = OptionsOf<typeof options>;

/** XT_IPVS_*, bits of the option's presence and of its inversion, in the order of the options. */
const bits = [
  { key: 'ipvs', bit: 0x01 },
  { key: 'vproto', bit: 0x02 },
  { key: 'vaddr', bit: 0x04 },
  { key: 'vport', bit: 0x08 },
  { key: 'vdir', bit: 0x10 },
  { key: 'vmethod', bit: 0x20 },
  { key: 'vportctl', bit: 0x40 },
] as const;
const PROPERTY = 0x01;
const DIRECTION = 0x10;

/** Offsets: union nf_inet_addr vaddr, vmask; __be16 vport; __u8 l4proto, fwd_method; __be16 vportctl; __u8 invert, bitmask. */
const VADDR = 0;
const VMASK = 16;
const VPORT = 32;
const PROTO = 34;
const METHOD = 35;
const VPORTCTL = 36;
const INVERT = 38;
const GIVEN = 39;

function layout(family: IpFamily): Revision<Options> {
  return {
    revision: 0,
    family,
    size: 40,
    write: (o, s) => {
      if (o.vproto !== undefined) s.setU8(PROTO, bare(o.vproto));
      if (o.vaddr !== undefined) writeMasked(s, VADDR, VMASK, bare(o.vaddr), family);
      if (o.vport !== undefined) s.setBe16(VPORT, bare(o.vport));
      if (o.vmethod !== undefined) s.setU8(METHOD, methods[bare(o.vmethod)]);
      if (o.vportctl !== undefined) s.setBe16(VPORTCTL, bare(o.vportctl));
      // The direction's inversion is how REPLY is said.
      let inverted = o.vdir === 'REPLY' ? DIRECTION : 0;
      // Every option implies --ipvs.
      let given: number = PROPERTY;
      for (const { key, bit } of bits) {
        if (o[key] !== undefined) given |= bit;
        if (isNot(o[key])) inverted |= bit;
      }
      s.setU8(INVERT, inverted);
      s.setU8(GIVEN, given);
    },
    read: (s) => {
      const given = s.u8(GIVEN);
      const inverted = s.u8(INVERT);
      if (given === 0 || given > 0x7f) throw new ValueError(`no options stand for flags ${given}`);
      const out: Reading<Options> = {};
      const method = methodNames.find((name) => methods[name] === s.u8(METHOD));
      const take = <T>(bit: number, put: (not: (value: T) => Not<T>) => void): void => {
        if ((given & bit) !== 0) put((value) => withNot(value, (inverted & bit) !== 0));
      };
      if (given === PROPERTY) take<true>(PROPERTY, (not) => (out.ipvs = not(true)));
      take<number>(0x02, (not) => (out.vproto = not(s.u8(PROTO))));
      take<string>(0x04, (not) => (out.vaddr = not(readMasked(s, VADDR, VMASK, family))));
      take<number>(0x08, (not) => (out.vport = not(s.be16(VPORT))));
      if ((given & DIRECTION) !== 0) out.vdir = (inverted & DIRECTION) !== 0 ? 'REPLY' : 'ORIGINAL';
      take<ForwardingMethod>(0x20, (not) => {
        if (method === undefined) throw new ValueError(`no word stands for forwarding method ${s.u8(METHOD)}`);
        out.vmethod = not(method);
      });
      take<number>(0x40, (not) => (out.vportctl = not(s.be16(VPORTCTL))));
      return out;
    },
    canonical: (s) => {
      // With other options the kernel doesn't look at --ipvs.
      if (s.u8(GIVEN) !== PROPERTY) {
        s.setU8(GIVEN, s.u8(GIVEN) & ~PROPERTY);
        s.setU8(INVERT, s.u8(INVERT) & ~PROPERTY);
      }
      if (family === 'ip') for (const at of [VADDR, VMASK]) s.bytes.fill(0, at + 4, at + 16);
    },
  };
}

export const ipvs = match('ipvs', {
  options,
  revisions: [layout('ip'), layout('ip6')],
  finish: (o) => {
    const [first, second] = bits.filter(({ key }) => o[key] !== undefined);
    if (first === undefined) throw new ValueError('At least one option is required');
    if (first.key !== 'ipvs' || second === undefined) return o;
    if (isNot(o.ipvs)) throw new ValueError('! --ipvs cannot be together with other options');
    return without(o, 'ipvs');
  },
  list: (o, c) =>
    listed(options, o, c, {
      show: (key, value) => (key === 'vaddr' && !c.numeric && isUnspecified(value as string) ? 'anywhere' : undefined),
    }),
});
