// -m multiport (linux/netfilter/xt_multiport.h; libxt_multiport.c).
import { isNot, match, type Not, notOption, type OptionsOf, spelling, type Value, ValueError } from './codec.ts';
import { bare, exclusive, withNot } from './option-values.ts';
import { listPort, type Ports, parsePort, services } from './ports.ts';
import type { Struct } from './struct.ts';

/** XT_MULTI_PORTS; a range takes two. */
const PORTS = 15;

const list: Value<readonly Ports[]> = {
  parse: ([word], c) => {
    const out: Ports[] = [];
    let taken = 0;
    for (const part of (word as string).split(',')) {
      const colon = part.indexOf(':');
      taken += colon < 0 ? 1 : 2;
      if (taken > PORTS) throw new ValueError('too many ports specified');
      const first = parsePort(colon < 0 ? part : part.slice(0, colon), c);
      if (colon < 0) out.push(first);
      else {
        const last = parsePort(part.slice(colon + 1), c);
        if (first >= last) throw new ValueError('invalid portrange specified');
        out.push([first, last]);
      }
    }
    return out;
  },
  format: (ports) => [ports.map((p) => (typeof p === 'number' ? p : `${p[0]}:${p[1]}`)).join(',')],
};

const options = {
  sports: notOption(list),
  'source-ports': spelling('sports', notOption(list)),
  dports: notOption(list),
  'destination-ports': spelling('dports', notOption(list)),
  ports: notOption(list),
} as const;
type Options = OptionsOf<typeof options>;

/** enum xt_multiport_flags. */
const keys = ['sports', 'dports', 'ports'] as const;

const COUNT = 1;
const LIST = 2;
const PFLAGS = 32;
const INVERT = 47;

function given(o: Options): { readonly kind: number; readonly ports: Not<readonly Ports[]> } {
  for (const [kind, key] of keys.entries()) {
    const ports = o[key];
    if (ports !== undefined) return { kind, ports };
  }
  return { kind: 0, ports: [] };
}

function options1(s: Struct, ports: readonly Ports[], inverted: boolean): Options {
  const key = keys[s.u8(0)];
  if (s.u8(COUNT) === 0 || s.u8(COUNT) > PORTS) throw new ValueError(`multiport: ${s.u8(COUNT)} ports`);
  if (key === undefined) throw new ValueError(`multiport: ${s.u8(0)} is no kind of ports`);
  return { [key]: withNot(ports, inverted) };
}

export const multiport = match('multiport', {
  options,
  protocols: [6, 17, 136, 132, 33],
  revisions: [
    {
      // struct xt_multiport: __u8 flags, count; __u16 ports[15]
      revision: 0,
      size: 32,
      can: (o) => !isNot(given(o).ports) && bare(given(o).ports).every((p) => typeof p === 'number'),
      write: (o, s) => {
        const { kind, ports } = given(o);
        s.setU8(0, kind);
        s.setU8(COUNT, bare(ports).length);
        for (const [i, port] of bare(ports).entries()) s.setU16(LIST + 2 * i, typeof port === 'number' ? port : port[0]);
      },
      read: (s) =>
        options1(
          s,
          Array.from({ length: Math.min(s.u8(COUNT), PORTS) }, (_, i) => s.u16(LIST + 2 * i)),
          false,
        ),
    },
    {
      // struct xt_multiport_v1: and __u8 pflags[15], 1 where the next port ends a range; __u8 invert
      revision: 1,
      size: 48,
      write: (o, s) => {
        const { kind, ports } = given(o);
        let i = 0;
        for (const port of bare(ports)) {
          if (typeof port !== 'number') {
            s.setU8(PFLAGS + i, 1);
            s.setU16(LIST + 2 * i++, port[0]);
            s.setU16(LIST + 2 * i++, port[1]);
          } else s.setU16(LIST + 2 * i++, port);
        }
        s.setU8(0, kind);
        s.setU8(COUNT, i);
        s.setU8(INVERT, isNot(ports) ? 1 : 0);
      },
      read: (s) => {
        const ports: Ports[] = [];
        const count = Math.min(s.u8(COUNT), PORTS);
        for (let i = 0; i < count; i++) {
          const port = s.u16(LIST + 2 * i);
          if (s.u8(PFLAGS + i) === 0) {
            ports.push(port);
            continue;
          }
          const last = s.u16(LIST + 2 * ++i);
          if (i === count || port >= last) throw new ValueError('a range of ports without an end, or that ends before it begins');
          ports.push([port, last]);
        }
        return options1(s, ports, s.u8(INVERT) !== 0);
      },
    },
  ],
  list: (o, { protocol, numeric }) => {
    const { kind, ports } = given(o);
    const port = (n: number): string => listPort(n, services[protocol] ?? '', numeric);
    const list = bare(ports).map((p) => (typeof p === 'number' ? port(p) : `${port(p[0])}:${port(p[1])}`));
    return ` multiport ${keys[kind]} ${isNot(ports) ? ' !' : ''}${list.join(',')}`;
  },
  finish: (o) => {
    const [first, second] = keys.filter((key) => o[key] !== undefined);
    if (first === undefined) throw new ValueError('an option is expected: --sports, --dports or --ports');
    if (second !== undefined) exclusive(o, first, second);
    return o;
  },
});
