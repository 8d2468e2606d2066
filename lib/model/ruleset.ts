// The one model of both backends: tables, chains, rules and counters, as a user sees them.

export type Family = 'ip' | 'ip6' | 'inet' | 'arp' | 'bridge' | 'netdev';

export interface Counter {
  readonly packets: bigint;
  readonly bytes: bigint;
}

export interface Place {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
}

export interface InstalledRule extends Place {
  /** Place in the chain from 0; iptables' rule number is index + 1. */
  readonly index: number;
  /** nf_tables only. */
  readonly handle?: bigint;
  readonly comment?: string;
  readonly counter?: Counter;
}

export interface Chain<R extends InstalledRule> {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle?: bigint;
  /** Base chains: filter, nat or route. */
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: 'accept' | 'drop';
  readonly dev?: readonly string[];
  readonly counter?: Counter;
  /** How many rules and elements jump here, as the kernel counts (NFTA_CHAIN_USE). */
  readonly references?: number;
  readonly comment?: string;
  readonly rules: readonly R[];
}

/** A set or map as libnftables-json names it. */
export interface SetObject {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly type: string | readonly string[];
  readonly map?: string;
  readonly flags?: readonly string[];
  readonly timeout?: number;
  readonly size?: number;
  readonly comment?: string;
  readonly elem?: readonly ElementInput[];
}
/** libnftables-json's element forms, plus 'a/len' and 'a-b' strings. Seconds, as there. */
export type ElementInput =
  | string
  | number
  | { readonly elem: { readonly val: unknown; readonly timeout?: number; readonly comment?: string } }
  | Readonly<Record<string, unknown>>;

export interface NamedObject {
  readonly kind: string;
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle?: bigint;
}

export interface Table<R extends InstalledRule> {
  readonly family: Family;
  readonly name: string;
  readonly handle?: bigint;
  readonly flags?: readonly string[];
  readonly comment?: string;
  readonly chains: readonly Chain<R>[];
  chain(name: string): Chain<R> | undefined;
  readonly sets: readonly SetObject[];
  readonly objects: readonly NamedObject[];
  readonly flowtables: readonly unknown[];
}

/** One generation of the kernel's state. Lazy: a rule is decoded when it is looked at. */
export interface Ruleset<R extends InstalledRule> {
  readonly backend: 'nft' | 'legacy';
  readonly generation?: number;
  readonly tables: readonly Table<R>[];
  table(family: Family, name: string): Table<R> | undefined;
  /** Empty where nothing matches. */
  rules(where?: Partial<Place> & { comment?: string | RegExp }): IterableIterator<R>;
  /** A bigint becomes a number when safe, else a decimal string; raw bytes base64. */
  toJSON(): unknown;
}

/** Rows in dump order. */
export interface CounterSnapshot {
  readonly length: number;
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  readonly handles?: BigUint64Array;
  /** Number of the row's chain, in order of appearance. */
  readonly chain: Uint32Array;
  readonly generation?: number;
  /** performance.timeOrigin milliseconds: Unix time, with the fraction of performance.now(). */
  readonly takenAt: number;
  row(i: number): InstalledRule;
  /** The first row that fits, or -1. */
  indexOf(where: Partial<Place> & { comment?: string; handle?: bigint }): number;
}
