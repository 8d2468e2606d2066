// quota (enum nft_quota_attributes, nft_quota_flags; nft_quota.c).
import { be32, be64, flags } from '../../../wire/kinds.ts';
import { attributes, optional } from '../../../wire/table.ts';
import { boolean } from './convert.ts';
import type { StatefulKind } from './kind.ts';

export const quota: StatefulKind = {
  number: 2,
  table: attributes({
    /** At most 2^63-1. */
    bytes: optional(1, be64),
    used: optional(4, be64),
    flags: optional(2, flags(be32, { inv: 1, depleted: 2 })),
  }),
  words: {
    // `depleted` is the kernel's word: read, and left out when written.
    known: ['bytes', 'used', 'inv', 'depleted'],
    toData: ({ inv, depleted: _, ...rest }) => ({ ...rest, ...(inv === undefined ? {} : { flags: boolean('inv', inv) ? ['inv'] : [] }) }),
    toWords: ({ flags: set, ...rest }) => {
      const all = (set ?? []) as readonly unknown[];
      return { ...rest, inv: all.includes('inv'), ...(all.includes('depleted') ? { depleted: true } : {}) };
    },
  },
  resettable: true,
};
