// -m devgroup (linux/netfilter/xt_devgroup.h, struct xt_devgroup_info; libxt_devgroup.c).
import { isNot, match, notOption, type OptionsOf, type Value, ValueError } from './codec.ts';
import { deviceGroups, readableName } from './name-files.ts';
import { bare, notEmpty, onlyBits, type Reading, withNot } from './option-values.ts';
import { hex, type Marked, parseUnsigned } from './values.ts';

const ALL = 0xffffffff;

/** `group[/mask]`, or a name of /etc/iproute2/group, which has no mask (xtables_parse_val_mask). */
const group: Value<Marked> = {
  parse: ([word]) => {
    const text = word as string;
    const slash = text.indexOf('/');
    const value = parseUnsigned(slash < 0 ? text : text.slice(0, slash), ALL);
    if (value === undefined) {
      const named = deviceGroups().number(text);
      if (named === undefined) throw new ValueError(`could not map name ${text} to an integer value`);
      return { value: named, mask: ALL };
    }
    const mask = slash < 0 ? ALL : parseUnsigned(text.slice(slash + 1), ALL);
    if (mask === undefined) throw new ValueError('bad integer value, or out of range');
    return { value, mask };
  },
  format: (v) => [groupText(v, (id) => readableName(deviceGroups(), id))],
};
function groupText({ value, mask }: Marked, nameOf: (id: number) => string | undefined): string {
  return mask === ALL ? (nameOf(value) ?? hex(value)) : `${hex(value)}/${hex(mask)}`;
}

const options = { 'src-group': notOption(group), 'dst-group': notOption(group) } as const;
type Options = OptionsOf<typeof options>;

/** Offset 0: __u32 flags; then __u32 src_group, src_mask, dst_group, dst_mask. */
const sides = [
  { key: 'srcGroup', label: 'src-group', at: 4, match: 0x1, invert: 0x2 },
  { key: 'dstGroup', label: 'dst-group', at: 12, match: 0x4, invert: 0x8 },
] as const;

export const devgroup = match('devgroup', {
  options,
  revisions: [
    {
      revision: 0,
      size: 20,
      write: (o, s) => {
        let flags = 0;
        for (const { key, at, match, invert } of sides) {
          const given = o[key];
          if (given === undefined) continue;
          s.setU32(at, bare<Marked>(given).value);
          s.setU32(at + 4, bare<Marked>(given).mask);
          flags |= match | (isNot(given) ? invert : 0);
        }
        s.setU32(0, flags);
      },
      read: (s) => {
        const flags = onlyBits(s.u32(0), 0xf);
        const out: Reading<Options> = {};
        for (const { key, at, match, invert } of sides) {
          if ((flags & match) !== 0) out[key] = withNot({ value: s.u32(at), mask: s.u32(at + 4) }, (flags & invert) !== 0);
        }
        return notEmpty(out);
      },
    },
  ],
  finish: (o) => {
    if (o.srcGroup === undefined && o.dstGroup === undefined)
      throw new ValueError("You must specify either '--src-group' or '--dst-group'");
    return o;
  },
  list: (o, { numeric }) => {
    let out = '';
    for (const { key, label } of sides) {
      const given = o[key];
      if (given === undefined) continue;
      out += `${isNot(given) ? ' !' : ''} ${label} ${groupText(bare<Marked>(given), (id) => (numeric ? undefined : deviceGroups().name(id)))}`;
    }
    return out;
  },
});
