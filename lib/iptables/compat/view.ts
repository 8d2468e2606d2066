// What nf_tables holds of iptables' tables, read once and then followed by events. A generation request tells whether that is still so.
import type { Connection, Listener } from '../../connection.ts';
import type { NativeEventSource } from '../../native.ts';
import { GROUP_COMMITS } from '../../native.ts';
import { chainParts } from '../../nftables/chain-parts.ts';
import { decodeObject } from '../../nftables/events/decode.ts';
import { type FollowedChain, type FollowedTable, Follower } from '../../nftables/events/follow.ts';
import { EventReader } from '../../nftables/events/reader.ts';
import type { ChangedChain, ChangedTable } from '../../nftables/events/types.ts';
import { DumpedRule, RuleDump } from '../../nftables/installed-rule.ts';
import { families, NFT_MSG_GETCHAIN, NFT_MSG_GETTABLE } from '../../nftables/objects/messages.ts';
import { consistently } from '../../nftables/picture.ts';
import { dump, dumpParts, type Generation, partsOf, readGeneration } from '../../nftables/read.ts';
import { Slice, step, type Verb } from '../../run.ts';
import { builtinChain } from '../builtin.ts';
import { KeyWriter, keyContext } from '../sync/rule-key.ts';
import type { TableState } from '../sync/state.ts';
import type { CompatContext } from './context.ts';
import { ViewChain, ViewRule } from './view-rule.ts';

/** Of events nobody has asked for: beyond, what is known is read anew. */
const QUEUE_BYTES = 16 * 1024 * 1024;
/** How long the events of a commit that the kernel has told of may be on their way. */
const LATE_MS = 2000;
const AT_ONCE = 256;

export interface ViewTable extends TableState<ViewChain> {
  /** A chain whose name is a builtin one's, and which is none. */
  hidden(chain: string): ChangedChain | undefined;
}

export interface View {
  readonly generation: number;
  /** Who made that generation. */
  readonly by: Generation;
  table(name: string): ViewTable;
}

export class CompatView implements Listener {
  readonly #context: CompatContext;
  readonly #tables = new Set<string>();
  readonly #chains = new WeakMap<FollowedChain<ViewRule>, ViewChain>();
  #follower: Follower<ViewRule> | undefined;
  #reader: EventReader | undefined;
  #source: NativeEventSource | undefined;
  #forget: (() => void) | undefined;
  #pulling: Promise<void> | undefined;
  #writer: KeyWriter | undefined;
  /** Keys of the rules that the commit of that generation has sent, in their order. */
  #sent: { readonly generation: number; readonly keys: readonly string[]; next: number } | undefined;
  /** Of the commit that is being applied. */
  #applying = 0;

  constructor(context: CompatContext) {
    this.#context = context;
  }

  get #connection(): Connection {
    return this.#context.connection;
  }

  /** The tables as they are now. */
  *look(tables: readonly string[]): Verb<View> {
    const by = yield* readGeneration(this.#connection);
    const more = tables.filter((name) => !this.#tables.has(name));
    for (const name of more) this.#tables.add(name);
    if (more.length > 0) this.#drop();
    if (!(yield* this.#catchUp(by.generation))) yield* this.#read();
    // Set names as they are at this look.
    this.#writer = undefined;
    const follower = this.#follower as Follower<ViewRule>;
    const views = new Map<string, ViewTable>();
    const table = (name: string): ViewTable => {
      let view = views.get(name);
      if (view === undefined) views.set(name, (view = this.#view(follower.table(this.#context.family, name))));
      return view;
    };
    return { generation: follower.generation, by, table };
  }

  /** What is about to be sent on the condition that nobody has committed since `generation`. */
  sending(generation: number, keys: readonly string[]): void {
    this.#sent = { generation: generation === 0xffffffff ? 1 : generation + 1, keys, next: 0 };
  }

  connectionClosed(): void {
    this.#drop();
  }

  #view(table: FollowedTable<ViewRule> | undefined): ViewTable {
    const chain = (found: FollowedChain<ViewRule>): ViewChain => {
      let view = this.#chains.get(found);
      if (view?.isOf(found) !== true) this.#chains.set(found, (view = new ViewChain(found, () => this.#keyWriter())));
      return view;
    };
    const chains = {
      get: (wanted: string): ViewChain | undefined => {
        const found = table?.chain(wanted);
        return found !== undefined && isShown(found.object) ? chain(found) : undefined;
      },
      *values(): Generator<ViewChain> {
        for (const found of table?.chains() ?? []) if (isShown(found.object)) yield chain(found);
      },
    };
    const hidden = (wanted: string): ChangedChain | undefined => {
      const found = table?.chain(wanted)?.object;
      return found === undefined || isShown(found) ? undefined : found;
    };
    return { exists: table !== undefined, chains, hidden };
  }

  #keyWriter(): KeyWriter {
    this.#writer ??= new KeyWriter(this.#context.bytes(), keyContext(this.#context.family, 'nft'));
    return this.#writer;
  }

  /** Whether what is known is of that generation, or of a later one. */
  *#catchUp(generation: number): Verb<boolean> {
    const until = performance.now() + LATE_MS;
    for (;;) {
      const { generation: known = 0 } = this.#follower ?? {};
      if (this.#follower === undefined) return false;
      if (((known - generation) | 0) >= 0) return true;
      if (performance.now() >= until) {
        this.#drop();
        return false;
      }
      yield* step({ sync: () => this.#take(), async: () => this.#pulled(until) });
    }
  }

  #take(): void {
    const batch = this.#source?.take(Math.min(LATE_MS, 1000));
    if (batch === undefined || this.#reader === undefined) return this.#drop();
    this.#reader.push(batch);
    this.#apply();
  }

  async #pulled(until: number): Promise<void> {
    const source = this.#source;
    if (source === undefined) return;
    this.#pulling ??= new Promise<void>((resolve) => {
      source.pull((batch) => {
        this.#pulling = undefined;
        if (source === this.#source) {
          this.#reader?.push(batch);
          this.#apply();
        }
        resolve();
      });
    });
    let late: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => (late = setTimeout(resolve, until - performance.now())));
    await Promise.race([this.#pulling, timeout]);
    clearTimeout(late);
  }

  #apply(): void {
    for (let event = this.#reader?.next(); event !== undefined; event = this.#reader?.next()) {
      if (event.kind === 'commit') {
        this.#applying = event.own ? event.generation : 0;
        if (this.#follower?.apply(event) === true) continue;
      }
      return this.#drop();
    }
  }

  #keep(rule: ConstructorParameters<typeof ViewRule>[0]): ViewRule {
    const sent = this.#sent;
    const key = sent !== undefined && sent.generation === this.#applying ? sent.keys[sent.next++] : undefined;
    return new ViewRule(rule, key);
  }

  #drop(): void {
    this.#follower = undefined;
    this.#reader = undefined;
    this.#source?.close();
    this.#source = undefined;
    this.#pulling = undefined;
    this.#forget?.();
    this.#forget = undefined;
  }

  /** Reads the tables; events that come meanwhile are of the generations after it. */
  *#read(): Verb<void> {
    this.#drop();
    const connection = this.#connection;
    const { source, forget } = connection.subscribe(GROUP_COMMITS, { receiveBytes: QUEUE_BYTES, queueBytes: QUEUE_BYTES }, this);
    this.#source = source;
    this.#forget = forget;
    this.#reader = new EventReader({ port: connection.portId, wants: (kind) => kind !== 'trace' });
    const family = families[this.#context.family];
    const slice = new Slice();
    const { generation, value } = yield* consistently(connection, 'sync', () => this.#dumps(family, slice));
    const follower = new Follower<ViewRule>(generation, {
      keep: (rule) => this.#keep(rule),
      follows: (table) => table.family === this.#context.family && this.#tables.has(table.name),
    });
    for (const table of value.tables) follower.addTable(table);
    for (const chain of value.chains) follower.table(chain.family, chain.table)?.addChain(chain);
    for (const [i, { table, chain, start, end }] of value.rules.chains.entries()) {
      if (i % AT_ONCE === 0) yield* slice.pause();
      const into = follower.table(this.#context.family, table)?.chain(chain);
      for (let row = start; row < end; row++) {
        const rule = new DumpedRule(value.rules, row);
        into?.push(rule.handle, new ViewRule(rule));
      }
    }
    // Keys now, and the dump can go.
    const writer = this.#keyWriter();
    for (const table of follower.tables()) {
      let n = 0;
      for (const chain of table.chains()) {
        for (const rule of chain.rules) rule.key(writer);
        if (n++ % AT_ONCE === 0) yield* slice.pause();
      }
    }
    this.#follower = follower;
  }

  *#dumps(family: number, slice: Slice): Verb<{ tables: ChangedTable[]; chains: ChangedChain[]; rules: RuleDump }> {
    const connection = this.#connection;
    const tables = (yield* objects(yield* dump(connection, 'dump of tables', NFT_MSG_GETTABLE, family), slice)) as {
      table: ChangedTable;
    }[];
    const all = (yield* objects(yield* dump(connection, 'dump of chains', NFT_MSG_GETCHAIN, family), slice)) as { chain: ChangedChain }[];
    const chains = all.map(({ chain }) => chain).filter((chain) => this.#tables.has(chain.table));
    const mine = tables.map(({ table }) => table).filter((table) => this.#tables.has(table.name));
    const scopes = [...this.#tables].map((table) => ({ family, table }));
    // Chain by chain where there are many.
    const { parts = partsOf(scopes) } = yield* chainParts(connection, scopes);
    return { tables: mine, chains, rules: new RuleDump(yield* dumpParts(connection, parts, true)) };
  }
}

function* objects(reply: { readonly data: ArrayBuffer; readonly index: Uint32Array }, slice: Slice): Verb<unknown[]> {
  const bytes = new Uint8Array(reply.data);
  const out: unknown[] = [];
  for (const [i, at] of reply.index.entries()) {
    out.push(decodeObject(bytes, at));
    if (i % AT_ONCE === 0) yield* slice.pause();
  }
  return out;
}

/** As isUsableChain, of a chain as events tell it. */
function isShown({ table, name, hook, type, prio }: ChangedChain): boolean {
  const builtin = builtinChain(table, name);
  if (builtin === undefined) return hook === undefined;
  return hook === builtin.hook && type === builtin.type && prio === builtin.prio;
}
