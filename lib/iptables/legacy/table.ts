// One legacy table as the kernel gave it, walked into chains (libiptc's parse_table): builtin chains from their hook's entry to the
// underflow, whose verdict is the policy; user chains from a target ERROR with their name to the RETURN before the next.
import { NetfilterError } from '../../errors.ts';
import { type NativeXtReadReply, XT_HEADER } from '../../native.ts';
import { decodeText } from '../../wire/text.ts';
import { builtinChains } from '../builtin.ts';
import { byBytes } from '../chain-order.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { XtRule, XtVerdict } from '../xt-rule.ts';
import { readEntry } from './entry.ts';
import { type EntryLayout, EXTENSION, layouts, verdictNumbers } from './layout.ts';

/** NF_INET_* in the order of struct ipt_getinfo. */
const hookNames = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const;
const HOOKS = hookNames.length;
const ERROR_TARGET = 'ERROR';
/** XT_FUNCTION_MAXNAMELEN. */
const ERROR_NAME_SIZE = 30;

export interface LegacyChain {
  readonly name: string;
  readonly hook?: (typeof hookNames)[number];
  readonly policy?: 'accept' | 'drop';
  /** Rows of its rules, [start, end). */
  readonly start: number;
  readonly end: number;
  /** Where the entry lies that holds the policy and its counters. */
  readonly foot: number;
}

export class LegacyTable {
  readonly family: IpFamily;
  readonly name: string;
  /** In the order the save commands print: builtin ones by hook, then user chains by the bytes of their names. */
  readonly chains: readonly LegacyChain[];
  /** By row: where the rule's entry begins. Rows are those of the chains in order. */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #layout: EntryLayout;
  /** Where a chain's first entry lies → its name: what the offset of a jump means. */
  readonly #targets: ReadonlyMap<number, string>;

  constructor(family: IpFamily, name: string, reply: NativeXtReadReply) {
    this.family = family;
    this.name = name;
    this.#layout = layouts[family];
    const data = reply.data ?? new ArrayBuffer(XT_HEADER);
    this.bytes = new Uint8Array(data, XT_HEADER);
    this.#view = new DataView(data, XT_HEADER);
    const parts = this.#walk(reply.hooks ?? new Uint32Array(1 + 2 * HOOKS));
    this.#targets = new Map(parts.map((p) => [p.first, p.name]));
    const builtin = new Map((builtinChains(name) ?? []).map((c, i) => [c.name, i]));
    const rank = (p: Part): number => (p.hook === undefined ? builtin.size + 1 : (builtin.get(p.name) ?? builtin.size));
    parts.sort((a, b) => rank(a) - rank(b) || byBytes(a.name, b.name));
    this.offsets = new Uint32Array(parts.reduce((sum, p) => sum + p.rules.length, 0));
    let row = 0;
    this.chains = parts.map((p) => {
      const start = row;
      for (const offset of p.rules) this.offsets[row++] = offset;
      const policy = p.hook === undefined ? {} : { hook: p.hook, policy: this.#policy(p.foot) };
      return { name: p.name, ...policy, start, end: row, foot: p.foot };
    });
  }

  get length(): number {
    return this.offsets.length;
  }

  chain(name: string): LegacyChain | undefined {
    return this.chains.find((c) => c.name === name);
  }
  chainOf(row: number): LegacyChain {
    let low = 0;
    let high = this.chains.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.chains[middle] as LegacyChain).end > row) high = middle;
      else low = middle + 1;
    }
    return this.chains[low] as LegacyChain;
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
    return number < 0 ? undefined : this.#targets.get(number);
  }

  #next(at: number): number {
    return this.#view.getUint16(at + this.#layout.nextOffset, true);
  }

  /** What stands in a standard target: an offset is a jump, but for that of the next entry, which says nothing. */
  #verdict(at: number, number: number, goto: boolean): XtVerdict | undefined {
    if (number >= 0) {
      const chain = this.#targets.get(number);
      if (chain !== undefined && (goto || number !== at + this.#next(at))) return { verdict: goto ? 'goto' : 'jump', chain };
      return undefined;
    }
    for (const [verdict, n] of Object.entries(verdictNumbers)) if (n === number) return { verdict: verdict as 'accept' };
    throw broken(this.name, `verdict ${number} is none`);
  }

  #policy(foot: number): 'accept' | 'drop' {
    const target = foot + this.#view.getUint16(foot + this.#layout.targetOffset, true);
    return this.#view.getInt32(target + EXTENSION.size, true) === verdictNumbers.accept ? 'accept' : 'drop';
  }

  #errorName(at: number): string | undefined {
    const target = at + this.#view.getUint16(at + this.#layout.targetOffset, true);
    const name = target + EXTENSION.name;
    for (let i = 0; i <= ERROR_TARGET.length; i++) if (this.bytes[name + i] !== (ERROR_TARGET.charCodeAt(i) || 0)) return undefined;
    const start = target + EXTENSION.size;
    let end = start;
    while (end < start + ERROR_NAME_SIZE && this.bytes[end] !== 0) end++;
    return decodeText(this.bytes, start, end);
  }

  #walk(hooks: Uint32Array): Part[] {
    const valid = hooks[0] as number;
    const begins = new Map<number, number>();
    for (let hook = 0; hook < HOOKS; hook++) if ((valid & (1 << hook)) !== 0) begins.set(hooks[1 + hook] as number, hook);
    const parts: Part[] = [];
    let part: Part | undefined;
    const end = this.bytes.length;
    for (let at = 0; at < end; ) {
      if (end - at < this.#layout.size) throw broken(this.name, 'an entry is cut');
      const next = this.#next(at);
      if (next < this.#layout.size + EXTENSION.size || next > end - at) throw broken(this.name, `an entry has ${next} bytes`);
      const hook = begins.get(at);
      const error = this.#errorName(at);
      if (error !== undefined) {
        // The last entry is an ERROR too, of no chain.
        part = at + next === end ? undefined : { name: error, first: at + next, foot: at, rules: [] };
        if (part !== undefined) parts.push(part);
      } else {
        if (hook !== undefined) {
          const name = hookNames[hook] as (typeof hookNames)[number];
          part = { name: name.toUpperCase(), hook: name, first: at, foot: hooks[1 + HOOKS + hook] as number, rules: [] };
          parts.push(part);
        }
        part?.rules.push(at);
      }
      at += next;
    }
    // The last entry of a user chain is its RETURN, that of a builtin one its policy.
    for (const p of parts) {
      const foot = p.rules.pop();
      if (foot === undefined || (p.hook !== undefined && foot !== p.foot)) throw broken(this.name, `chain ${p.name} has no end`);
      p.foot = foot;
    }
    return parts;
  }
}

interface Part {
  readonly name: string;
  readonly hook?: (typeof hookNames)[number];
  readonly first: number;
  foot: number;
  readonly rules: number[];
}

function broken(table: string, reason: string): NetfilterError {
  return new NetfilterError(`table ${table} as the kernel gave it cannot be read: ${reason}`, { code: 'EPROTO', errno: 71 });
}
