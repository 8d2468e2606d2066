// -m cgroup (linux/netfilter/xt_cgroup.h, struct xt_cgroup_info_v0..2; libxt_cgroup.c).
import { isNot, match, notOption, type OptionsOf, type Revision, ValueError } from './codec.ts';
import { bare, endedText, exclusive, withNot } from './option-values.ts';
import { text, unsigned } from './values.ts';

/** XT_CGROUP_PATH_MAX. */
const PATH_SIZE = 512;
const options = { path: notOption(text(PATH_SIZE - 1)), cgroup: notOption(unsigned(0xffffffff)) } as const;
type Options = OptionsOf<typeof options>;

/** __u8 has_path, has_classid, invert_path, invert_classid; char path[]; __u32 classid; the kernel's own pointer. */
function withPath(revision: 1 | 2, pathSize: number, classAt: number, size: number): Revision<Options> {
  return {
    revision,
    size,
    kernelPrivate: [[size - 8, size]],
    write: (o, s) => {
      s.setU8(o.path === undefined ? 1 : 0, 1);
      s.setU8(2, isNot(o.path) ? 1 : 0);
      s.setU8(3, isNot(o.cgroup) ? 1 : 0);
      if (o.path !== undefined) s.setText(4, pathSize, bare(o.path));
      else s.setU32(classAt, bare(o.cgroup ?? 0));
    },
    read: (s) => {
      if ((s.u8(0) !== 0) === (s.u8(1) !== 0)) throw new ValueError('a path or a class is needed, and not both');
      if (s.u8(0) === 0) return { cgroup: withNot(s.u32(classAt), s.u8(3) !== 0) };
      // The option of the newest revision takes no longer path.
      const path = endedText(s, 4, PATH_SIZE);
      return { path: withNot(path, s.u8(2) !== 0) };
    },
  };
}

export const cgroup = match('cgroup', {
  options,
  revisions: [
    {
      // __u32 id, invert
      revision: 0,
      size: 8,
      can: (o) => o.path === undefined,
      write: (o, s) => {
        s.setU32(0, bare(o.cgroup ?? 0));
        s.setU32(4, isNot(o.cgroup) ? 1 : 0);
      },
      read: (s) => ({ cgroup: withNot(s.u32(0), s.u32(4) !== 0) }),
    },
    withPath(1, 4096, 4100, 4112),
    // The path and the class share a union.
    withPath(2, PATH_SIZE, 4, 528),
  ],
  finish: (o) => {
    exclusive(o, 'path', 'cgroup');
    if (o.path === undefined && o.cgroup === undefined) throw new ValueError('one of --path or --cgroup is required');
    return o;
  },
  list: (o) => ` cgroup${isNot(o.path) || isNot(o.cgroup) ? ' !' : ''} ${bare(o.path ?? o.cgroup ?? '')}`,
});
