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
  /** Belongs to the one rule that jumps to it, and goes with that rule. */
  readonly anonymous?: true;
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
  readonly handle?: bigint | number;
  /** nft's data types: 'ipv4_addr', or a list for a concatenation. */
  readonly type: string | readonly string[];
  /** Of a map: a type, 'verdict', or the kind of a stateful object. `interval ipv4_addr` for data that are ranges. */
  readonly map?: string;
  /** constant, interval, timeout, dynamic. */
  readonly flags?: readonly string[];
  /** Seconds; what an element without its own gets. */
  readonly timeout?: number;
  /** Seconds. */
  readonly 'gc-interval'?: number;
  /** The most elements it may hold. */
  readonly size?: number;
  readonly policy?: 'performance' | 'memory';
  /** Ranges that touch or overlap become one, those the set holds already included. */
  readonly 'auto-merge'?: boolean;
  readonly comment?: string;
  /** Statements every element gets: [{ counter: null }]. */
  readonly stmt?: readonly unknown[];
  /** In place of `stmt`, stateful expressions. */
  readonly expressions?: readonly ({ readonly type: string } & Readonly<Record<string, unknown>>)[];
  /** As read: how many elements there are, where the kernel tells (Linux 6.16 and later); an interval may count twice. */
  readonly count?: number;
  readonly elem?: readonly ElementInput[];
}
/**
 * libnftables-json's element forms, plus 'a/len' and 'a-b' strings: a value, { prefix }, { range }, { concat }, { elem } with
 * timeout, comment and statements; in maps a pair [key, value]. `*` is every key that is not in the set. Seconds, as there.
 */
export type ElementInput =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | readonly [key: unknown, value: unknown]
  | {
      readonly elem: {
        readonly val: unknown;
        readonly timeout?: number | string;
        readonly expires?: number | string;
        readonly comment?: string;
        readonly [statement: string]: unknown;
      };
    }
  | Readonly<Record<string, unknown>>;

/** A counter, quota, limit, ct helper …: what all have, and by `kind` the properties that libnftables-json gives it. */
export type NamedObject = {
  readonly kind: string;
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle?: bigint;
} & Readonly<Record<string, unknown>>;

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
  /** Legacy: the xtables lock could not be had; counters that went back may be a commit at work between its rules and their counters. */
  readonly unlocked?: boolean;
  row(i: number): InstalledRule;
  /** The first row that fits, or -1. */
  indexOf(where: Partial<Place> & { comment?: string; handle?: bigint }): number;
}
