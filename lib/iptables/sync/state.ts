// Tables as a kernel holds them, for who compares: chains as lists of keys.
import type { NetfilterError } from '../../errors.ts';

export interface ChainState {
  readonly name: string;
  readonly builtin: boolean;
  /** It comes and goes with the rule that jumps to it: nft's `jump { … }`. */
  readonly anonymous?: boolean;
  /** Of a builtin chain. */
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  /** The rules in order; see rule-key.ts. The same array for as long as nothing has changed. */
  readonly keys: readonly string[];
}

/** What has changed of a table, for who has seen it before. */
export interface TableHistory {
  /** Now. */
  readonly mark: number;
  /** Chains that may have changed since; undefined: nobody remembers. */
  since(mark: number): ReadonlySet<string> | undefined;
}

export interface TableState<C extends ChainState = ChainState> {
  readonly exists: boolean;
  /** The same object for as long as it is the same table. */
  readonly history: TableHistory | undefined;
  /** Of a chain that is there and that iptables does not see, why it is none of `chains`. */
  refusal?(chain: string): NetfilterError | undefined;
  /** Those that iptables sees. `size`: at least how many there are. */
  readonly chains: { readonly size: number; get(name: string): C | undefined; values(): Iterable<C> };
}
