// notrack: the packet is not tracked (nft_ct.c, nft_notrack_ops). It has no attributes, nor an NFTA_EXPR_DATA to hold them.
import { expression } from './expression.ts';

export const notrack = expression('notrack', {});
