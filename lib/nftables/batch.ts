// Messages of a batch as bytes, each with what it is called in errors.
import { AttributeWriter } from '../wire/writer.ts';
import type { Lookup, Written } from './input/kind.ts';
import * as m from './objects/messages.ts';

const COLUMNS = 4;
/** Batch begin and end with their headers, and NFNL_BATCH_GENID. */
const BATCH_OVERHEAD = 48;
const MESSAGE_HEADER = 20;

/** Messages whose object gets a handle: table, chain, rule, set, object, flowtable (NFT_MSG_NEW…). */
const echoed: ReadonlySet<number> = new Set([
  m.NFT_MSG_NEWTABLE,
  m.NFT_MSG_NEWCHAIN,
  m.NFT_MSG_NEWRULE,
  m.NFT_MSG_NEWSET,
  m.NFT_MSG_NEWOBJ,
  m.NFT_MSG_NEWFLOWTABLE,
]);

/** Messages after which a set may be another, or gone. */
const setChanging: ReadonlySet<number> = new Set([
  m.NFT_MSG_NEWTABLE,
  m.NFT_MSG_DELTABLE,
  m.NFT_MSG_DESTROYTABLE,
  m.NFT_MSG_NEWSET,
  m.NFT_MSG_DELSET,
  m.NFT_MSG_DESTROYSET,
]);

/** What an operation is called in errors. */
export interface Named {
  readonly verb: string;
  readonly object: unknown;
  /** The user's number of it, where it is another than the message's place in the batch. */
  readonly index?: number;
  /** Turns a path in the message into one in the user's object, where they differ. */
  readonly locate?: (path: string) => string;
}

/** Operations as bytes. Also what the iptables layer fills, with its own words for what they are. */
export class Batch {
  readonly writer: AttributeWriter;
  #columns: Uint32Array = new Uint32Array(64 * COLUMNS);
  #count = 0;
  #ruleIds = 0;
  readonly #named: Named[] = [];
  readonly #lookups: Lookup[] = [];

  /** `expected` bytes spare the writer from growing. */
  constructor(expected?: number) {
    this.writer = new AttributeWriter(expected);
  }

  get length(): number {
    return this.#count;
  }
  get lookups(): readonly Lookup[] {
    return this.#lookups;
  }

  /** Another NFTA_RULE_ID each time: older kernels look one up in the whole batch, not in its chain. */
  newRuleId(): number {
    return ++this.#ruleIds;
  }

  /** Ends the operation whose attributes have been written since the last one. */
  push(header: Written, named: Named): number {
    const index = this.#count++;
    const at = index * COLUMNS;
    if (at + COLUMNS > this.#columns.length) {
      const grown = new Uint32Array(this.#columns.length * 2);
      grown.set(this.#columns);
      this.#columns = grown;
    }
    this.#columns[at] = header.type;
    this.#columns[at + 1] = header.flags;
    this.#columns[at + 2] = header.family;
    this.#columns[at + 3] = this.writer.length;
    this.#named.push(header.locate === undefined ? named : { ...named, locate: header.locate });
    if (header.lookup !== undefined) this.#lookups.push({ ...header.lookup, named });
    return index;
  }

  /** Appends the messages `from`..`to` of another batch. */
  copy(other: Batch, from: number, to: number): void {
    const endOf = (i: number): number => (i === 0 ? 0 : (other.#columns[i * COLUMNS - 1] as number));
    const [start, end] = [endOf(from), endOf(to)];
    const moved = this.writer.length - start;
    for (let i = from; i < to; i++) {
      const at = i * COLUMNS;
      const [type, flags, family] = other.#columns.subarray(at, at + 3) as unknown as readonly [number, number, number];
      this.writer.append(other.bytesOf(i));
      this.push({ type, flags, family }, other.#named[i] as Named);
    }
    for (const l of other.#lookups) if (l.at >= start && l.at < end) this.#lookups.push({ ...l, at: l.at + moved });
  }

  /** Forgets the messages from `count` on, and the attributes from `length` on. */
  truncate(count: number, length: number): void {
    this.#count = count;
    this.#named.length = count;
    while ((this.#lookups.at(-1)?.at ?? -1) >= length) this.#lookups.pop();
    this.writer.rewind(length);
  }

  named(index: number): Named | undefined {
    return this.#named[index];
  }
  /** NFT_MSG_*. */
  typeOf(index: number): number {
    return this.#columns[index * COLUMNS] as number;
  }
  /** Whether a message adds or deletes sets, or tables with them. */
  get changesSets(): boolean {
    for (let i = 0; i < this.#count; i++) if (setChanging.has(this.typeOf(i))) return true;
    return false;
  }
  /** The attributes of one message. */
  bytesOf(index: number): Uint8Array {
    const start = index === 0 ? 0 : (this.#columns[index * COLUMNS - 1] as number);
    return this.writer.bytes.subarray(start, this.#columns[index * COLUMNS + 3]);
  }
  get byteLength(): number {
    return BATCH_OVERHEAD + this.#count * MESSAGE_HEADER + this.writer.length;
  }

  /**
   * The operations table as the addon takes it, with NLM_F_ECHO on what gets a handle: on all of it, or for the generation
   * on the first message only. Never on deletions: the kernel would echo every rule of a flushed chain.
   */
  columns(echo: 'all' | 'first' | 'none'): Uint32Array {
    const out = this.#columns.slice(0, this.#count * COLUMNS);
    const last = echo === 'all' ? this.#count : echo === 'first' ? Math.min(1, this.#count) : 0;
    for (let i = 0; i < last; i++) if (echoed.has(out[i * COLUMNS] as number)) (out[i * COLUMNS + 1] as number) |= m.NLM_F_ECHO;
    return out;
  }
}
