// NFTA_RULE_COMPAT: the protocol that xtables matches and targets of a rule are checked against. The kernel takes it with
// the rule and never dumps it, so whoever writes a dumped rule back has to infer it from the rule's own comparisons.
import type { Family } from '../model/ruleset.ts';
import type { AnyExpression } from './expressions/expression.ts';

/** NFT_RULE_COMPAT_F_INV (linux/netfilter/nf_tables_compat.h). */
const NFT_RULE_COMPAT_F_INV = 2;
/** Offset of the protocol byte in struct iphdr. */
const IPHDR_PROTOCOL = 9;

export interface Compat {
  readonly proto: number;
  readonly flags: number;
}

/** Undefined where no match or target needs it or no comparison names a protocol. */
export function inferCompat(family: Family, expressions: readonly AnyExpression[]): Compat | undefined {
  if (!expressions.some((e) => e.type === 'match' || e.type === 'target')) return undefined;
  for (let i = 0; i + 1 < expressions.length; i++) {
    const load = expressions[i] as AnyExpression;
    const compare = expressions[i + 1] as AnyExpression;
    if (!loadsProtocol(family, load) || compare.type !== 'cmp' || compare['sreg'] !== load['dreg']) continue;
    const data = compare['data'];
    if (!(data instanceof Uint8Array) || data.length !== 1) continue;
    if (compare['op'] === '==') return { proto: data[0] as number, flags: 0 };
    if (compare['op'] === '!=') return { proto: data[0] as number, flags: NFT_RULE_COMPAT_F_INV };
  }
  return undefined;
}

/** The byte at network+9 is the protocol in an IPv4 header only; in inet it is looked at for what IPv4 rules compare there. */
function loadsProtocol(family: Family, e: AnyExpression): boolean {
  if (e.type === 'meta') return e['key'] === 'l4proto' && e['dreg'] !== undefined;
  if (family !== 'ip' && family !== 'inet') return false;
  return e.type === 'payload' && e['base'] === 'network' && e['offset'] === IPHDR_PROTOCOL && e['len'] === 1 && e['dreg'] !== undefined;
}
