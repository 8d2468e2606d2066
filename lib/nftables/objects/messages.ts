// nf_tables messages (linux/netfilter/nf_tables.h, enum nf_tables_msg_types) and nlmsg flags (linux/netlink.h).
import type { Family } from '../../model/ruleset.ts';
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';

export const NFNL_SUBSYS_NFTABLES = 10;
export const NFNL_SUBSYS_NFT_COMPAT = 11;

export const NFT_MSG_NEWTABLE = 0;
export const NFT_MSG_GETTABLE = 1;
export const NFT_MSG_DELTABLE = 2;
export const NFT_MSG_NEWCHAIN = 3;
export const NFT_MSG_GETCHAIN = 4;
export const NFT_MSG_DELCHAIN = 5;
export const NFT_MSG_NEWRULE = 6;
export const NFT_MSG_GETRULE = 7;
export const NFT_MSG_DELRULE = 8;
export const NFT_MSG_GETSET = 10;
export const NFT_MSG_DELSET = 11;
export const NFT_MSG_GETSETELEM = 13;
export const NFT_MSG_DELSETELEM = 14;
export const NFT_MSG_NEWGEN = 15;
export const NFT_MSG_GETGEN = 16;
export const NFT_MSG_TRACE = 17;
export const NFT_MSG_NEWOBJ = 18;
export const NFT_MSG_GETOBJ = 19;
export const NFT_MSG_DELOBJ = 20;
export const NFT_MSG_GETOBJ_RESET = 21;
export const NFT_MSG_NEWFLOWTABLE = 22;
export const NFT_MSG_GETFLOWTABLE = 23;
export const NFT_MSG_DELFLOWTABLE = 24;
export const NFT_MSG_GETRULE_RESET = 25;
export const NFT_MSG_NEWSET = 9;
export const NFT_MSG_NEWSETELEM = 12;
export const NFT_MSG_DESTROYTABLE = 26;
export const NFT_MSG_DESTROYCHAIN = 27;
export const NFT_MSG_DESTROYRULE = 28;
export const NFT_MSG_DESTROYSET = 29;
export const NFT_MSG_DESTROYSETELEM = 30;
export const NFT_MSG_DESTROYOBJ = 31;
export const NFT_MSG_DESTROYFLOWTABLE = 32;
export const NFT_MSG_GETSETELEM_RESET = 33;

export const NLM_F_ECHO = 0x8;
export const NLM_F_REPLACE = 0x100;
/** Of deletions: not with what is inside. */
export const NLM_F_NONREC = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** NLM_F_ROOT | NLM_F_MATCH, of requests. */
export const NLM_F_DUMP = 0x300;

/** NFPROTO_* (linux/netfilter.h). */
export const families: Readonly<Record<Family, number>> = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 };
export const NFPROTO_UNSPEC = 0;

const byNumber = new Map(Object.entries(families).map(([name, number]) => [number, name as Family]));

export function familyNumber(family: unknown): number {
  if (typeof family !== 'string' || !Object.hasOwn(families, family)) {
    throw new EncodeError('family', `unknown family ${show(family)}, one of ${Object.keys(families).join(', ')}`);
  }
  return families[family as Family];
}

/** The word of a family number; kernels with more families than these get the number as text. */
export function familyName(number: number): Family {
  return byNumber.get(number) ?? (String(number) as Family);
}
