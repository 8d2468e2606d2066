// One legacy table as the kernel gave it. The addon has walked it (native/xt_walk.h): where its chains and rules lie, what they count.
import { EPROTO } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import { type NativeXtReadReply, XT_CHAIN_WORDS, XT_HEADER, XT_USER_CHAIN } from '../../native.ts';
import { decodeText } from '../../wire/text.ts';
import { bySaveOrder } from '../chain-order.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { XtRule, XtVerdict } from '../xt-rule.ts';
import { readEntry } from './entry.ts';
import { type EntryLayout, EXTENSION, layouts, verdictNumbers } from './layout.ts';

/** NF_INET_* in the order of struct ipt_getinfo. */
const hookNames = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
/** XT_FUNCTION_MAXNAMELEN. */
const CHAIN_NAME_SIZE = 30;

export interface LegacyChain {
  readonly name: string;
  readonly hook?: (typeof hookNames)[number];
  readonly policy?: 'accept' | 'drop';
  /** Rows of its rules, [start, end). */
  readonly start: number;
  readonly end: number;
  /** Where its first entry lies: what jumps to it hold. */
  readonly first: number;
  /** Where the entry lies that holds the policy and its counters. */
  readonly foot: number;
}

export class LegacyTable {
  readonly family: IpFamily;
  readonly name: string;
  /** By row: where the rule's entry begins. Rows go chain by chain, in the kernel's order, which is the other one unless others than libiptc wrote. */
  readonly offsets: Uint32Array;
  /** What the rules and chains had counted when the table was read. */
  readonly packets: BigUint64Array;
  readonly byteCounts: BigUint64Array;
  /** By row: the number of its chain in `inOrder`. */
  readonly chainNumbers: Uint32Array;
  /** By row: equal for rules that are the same. */
  readonly contents: BigUint64Array;
  /** Equal for tables that differ in counters only. */
  readonly digest: Uint8Array;
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #layout: EntryLayout;
  readonly #chainWords: Uint32Array;
  // Made when they are asked for: a poll of counters asks for none.
  #inOrder: readonly LegacyChain[] | undefined;
  #chains: readonly LegacyChain[] | undefined;
  #targets: ReadonlyMap<number, string> | undefined;
  #byName: ReadonlyMap<string, LegacyChain> | undefined;

  constructor(family: IpFamily, name: string, reply: NativeXtReadReply) {
    this.family = family;
    this.name = name;
    this.#layout = layouts[family];
    const { data, chains, offsets, packets, bytes, chain, contents, digest, complaint } = reply;
    if (
      data === undefined ||
      chains === undefined ||
      offsets === undefined ||
      packets === undefined ||
      bytes === undefined ||
      chain === undefined ||
      contents === undefined ||
      digest === undefined
    )
      throw unreadable(name, complaint ?? 'it is not there');
    this.bytes = new Uint8Array(data, XT_HEADER);
    this.#view = new DataView(data, XT_HEADER);
    this.offsets = offsets;
    this.packets = packets;
    this.byteCounts = bytes;
    this.chainNumbers = chain;
    this.contents = contents;
    this.digest = digest;
    this.#chainWords = chains;
  }

  /** In the kernel's order. */
  get inOrder(): readonly LegacyChain[] {
    const words = this.#chainWords;
    this.#inOrder ??= Array.from({ length: words.length / XT_CHAIN_WORDS }, (_, i) => this.#chain(words, i * XT_CHAIN_WORDS));
    return this.#inOrder;
  }
  /** In the order the save commands print. */
  get chains(): readonly LegacyChain[] {
    this.#chains ??= [...this.inOrder].sort(bySaveOrder(this.name));
    return this.#chains;
  }
  /** Where a chain's first entry lies → its name: what the offset of a jump means. */
  get #targetNames(): ReadonlyMap<number, string> {
    this.#targets ??= new Map(this.inOrder.map((c) => [c.first, c.name]));
    return this.#targets;
  }

  #chain(words: Uint32Array, at: number): LegacyChain {
    const [start = 0, first = 0, foot = 0, hook = XT_USER_CHAIN, nameAt = 0] = words.subarray(at, at + XT_CHAIN_WORDS);
    const end = words[at + XT_CHAIN_WORDS] ?? this.offsets.length;
    const builtin = hookNames[hook];
    if (builtin !== undefined) return { name: builtin.toUpperCase(), hook: builtin, policy: this.#policy(foot), start, end, first, foot };
    let nameEnd = nameAt;
    while (nameEnd < nameAt + CHAIN_NAME_SIZE && this.bytes[nameEnd] !== 0) nameEnd++;
    return { name: decodeText(this.bytes, nameAt, nameEnd), start, end, first, foot };
  }

  get length(): number {
    return this.offsets.length;
  }

  chain(name: string): LegacyChain | undefined {
    this.#byName ??= new Map(this.inOrder.map((c) => [c.name, c]));
    return this.#byName.get(name);
  }
  chainOf(row: number): LegacyChain {
    return this.inOrder[this.chainNumbers[row] as number] as LegacyChain;
  }

  /** The rule's bytes, in place. */
  entry(row: number): Uint8Array {
    const at = this.offsets[row] as number;
    return this.bytes.subarray(at, at + this.#next(at));
  }
  rule(row: number): XtRule | undefined {
    return readEntry(this.entry(row), this.family, (number, goto) => this.#verdict(this.offsets[row] as number, number, goto));
  }
  counterAt(offset: number): { readonly packets: bigint; readonly bytes: bigint } {
    const { packets, bytes } = this.#layout;
    return { packets: this.#view.getBigUint64(offset + packets, true), bytes: this.#view.getBigUint64(offset + bytes, true) };
  }
  /** The chain that the rule jumps or goes to. */
  jumpOf(row: number): string | undefined {
    const at = this.offsets[row] as number;
    const target = at + this.#view.getUint16(at + this.#layout.targetOffset, true);
    if (this.bytes[target + EXTENSION.name] !== 0) return undefined;
    const number = this.#view.getInt32(target + EXTENSION.size, true);
    return number < 0 ? undefined : this.#targetNames.get(number);
  }

  #next(at: number): number {
    return this.#view.getUint16(at + this.#layout.nextOffset, true);
  }

  /** What stands in a standard target: an offset is a jump, but for that of the next entry, which says nothing. */
  #verdict(at: number, number: number, goto: boolean): XtVerdict | undefined {
    if (number >= 0) {
      const chain = this.#targetNames.get(number);
      if (chain !== undefined && (goto || number !== at + this.#next(at))) return { verdict: goto ? 'goto' : 'jump', chain };
      return undefined;
    }
    for (const [verdict, n] of Object.entries(verdictNumbers)) if (n === number) return { verdict: verdict as 'accept' };
    throw unreadable(this.name, `verdict ${number} is none`);
  }

  #policy(foot: number): 'accept' | 'drop' {
    const target = foot + this.#view.getUint16(foot + this.#layout.targetOffset, true);
    return this.#view.getInt32(target + EXTENSION.size, true) === verdictNumbers.accept ? 'accept' : 'drop';
  }
}

/** What the kernel gave is no table that iptables could have written. */
export function unreadable(table: string, reason: string): NetfilterError {
  return new NetfilterError(`table ${table} as the kernel gave it cannot be read: ${reason}`, { code: 'EPROTO', errno: EPROTO });
}
