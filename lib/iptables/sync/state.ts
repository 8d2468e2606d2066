// Tables as a kernel holds them, for who compares: chains as lists of keys.

export interface ChainState {
  readonly name: string;
  readonly builtin: boolean;
  /** Of a builtin chain. */
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  /** The rules in order; see rule-key.ts. The same array for as long as nothing has changed. */
  readonly keys: readonly string[];
}

export interface TableState<C extends ChainState = ChainState> {
  readonly exists: boolean;
  /** Another one after each change, but of what is counted; undefined: that is not known. */
  readonly version: number | undefined;
  /** Those that iptables sees. `size`: at least how many there are. */
  readonly chains: { readonly size: number; get(name: string): C | undefined; values(): Iterable<C> };
}
