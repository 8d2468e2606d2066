// What the kernel dumps and refuses to take back. A rule that was read can be added again only without these; nothing is lost
// by leaving them out, since the kernel fills them in. The tables themselves write exactly what they are given.
import type { AnyExpression } from './expression.ts';

/** The expression as the kernel takes it, from the form in which the kernel dumps it. Itself where there is no difference. */
export function acceptable<E extends AnyExpression>(e: E): E {
  switch (e.type) {
    case 'exthdr':
      // nft_exthdr.c: nft_exthdr_tcp_set_init() takes no flags, nft_exthdr_tcp_strip_init() nothing but kind and op; both are dumped with all.
      if (e['dreg'] !== undefined) return e;
      return e['sreg'] === undefined ? withoutZero(e, 'offset', 'len', 'flags') : withoutZero(e, 'flags');
    case 'osf':
      // nft_osf_init(): flags are NFT_OSF_F_VERSION or absent.
      return withoutZero(e, 'flags');
    case 'dynset':
      // nft_dynset_init(): a timeout needs a set with timeouts, even if it is 0; a list needs NFT_DYNSET_F_EXPR, which is never dumped.
      return announced(withoutZero(e, 'timeout'));
    case 'quota':
      return acceptableQuota(e);
    default:
      return e;
  }
}

/** A quota, as an expression or as the data of an object: NFT_QUOTA_F_DEPLETED is the kernel's own to say (nft_quota_do_init()). */
export function acceptableQuota<Q extends object>(quota: Q): Q {
  const { flags } = quota as { readonly flags?: unknown };
  return Array.isArray(flags) && flags.includes('depleted') ? { ...quota, flags: flags.filter((flag) => flag !== 'depleted') } : quota;
}

function announced<E extends AnyExpression>(e: E): E {
  const flags: unknown = e['flags'] ?? [];
  if (e['expressions'] === undefined || !Array.isArray(flags) || flags.includes('expr')) return e;
  return { ...e, flags: [...flags, 'expr'] };
}

function isZero(value: unknown): boolean {
  return value === 0 || value === 0n || (Array.isArray(value) && value.length === 0);
}

function withoutZero<E extends AnyExpression>(e: E, ...keys: readonly string[]): E {
  if (!keys.some((key) => e[key] !== undefined && isZero(e[key]))) return e;
  return Object.fromEntries(Object.entries(e).filter(([key, value]) => !keys.includes(key) || !isZero(value))) as E;
}
