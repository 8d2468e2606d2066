// -m osf (linux/netfilter/nfnetlink_osf.h, struct nf_osf_info; libxt_osf.c). That it needs -p tcp is the kernel's to say.
import { isNot, match, notOption, type OptionsOf, option, ValueError } from './codec.ts';
import { bare, endedText, mandatory, type Reading, withNot } from './option-values.ts';
import { name, unsigned } from './values.ts';

/** MAXGENRELEN. */
const GENRE_SIZE = 32;
const LEVEL_MAX = 2;
const options = { genre: notOption(name(GENRE_SIZE - 1)), ttl: option(unsigned(LEVEL_MAX)), log: option(unsigned(LEVEL_MAX)) } as const;
type Options = OptionsOf<typeof options>;

/** Offsets: char genre[32]; __u32 len, flags, loglevel, ttl. */
const LEN = 32;
const FLAGS = 36;
const LOG_LEVEL = 40;
const TTL = 44;
/** NF_OSF_*. */
const HAS_TTL = 2;
const HAS_LOG = 4;
const INVERT = 8;

function level(n: number): number {
  if (n > LEVEL_MAX) throw new ValueError(`no option says ${n}`);
  return n;
}

export const osf = match('osf', {
  family: 'ip',
  options,
  revisions: [
    {
      revision: 0,
      size: 48,
      write: (o, s) => {
        if (o.genre === undefined) return;
        s.setText(0, GENRE_SIZE, bare(o.genre));
        s.setU32(LEN, s.bytes.indexOf(0));
        const present = (o.ttl === undefined ? 0 : HAS_TTL) | (o.log === undefined ? 0 : HAS_LOG);
        // NF_OSF_GENRE is left out as by the real program; the kernel doesn't ask for it.
        s.setU32(FLAGS, present | (isNot(o.genre) ? INVERT : 0));
        s.setU32(LOG_LEVEL, o.log ?? 0);
        s.setU32(TTL, o.ttl ?? 0);
      },
      read: (s) => {
        const flags = s.u32(FLAGS);
        const out: Reading<Options> = { genre: withNot(endedText(s, 0, GENRE_SIZE), (flags & INVERT) !== 0) };
        if ((flags & HAS_TTL) !== 0) out.ttl = level(s.u32(TTL));
        if ((flags & HAS_LOG) !== 0) out.log = level(s.u32(LOG_LEVEL));
        return out;
      },
    },
  ],
  list: (o) => (o.genre === undefined ? '' : ` OS fingerprint match ${isNot(o.genre) ? '! ' : ''}${bare(o.genre)}`),
  finish: (o) => {
    mandatory(o, 'genre');
    return o;
  },
});
