// What nf_tables holds of iptables' tables, read once and then followed by events. A generation request tells whether that is still so.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Listener } from '../../connection.ts';
import { closedError, type NetfilterError } from '../../errors.ts';
import { GROUP_COMMITS, type NativeEventBatch, type NativeEventSource } from '../../native.ts';
import { chainParts } from '../../nftables/chain-parts.ts';
import { decodeObject } from '../../nftables/events/decode.ts';
import { type FollowedChain, type FollowedTable, Follower } from '../../nftables/events/follow.ts';
import { EventReader } from '../../nftables/events/reader.ts';
import type { ChangedChain, ChangedTable } from '../../nftables/events/types.ts';
import { DumpedRule, RuleDump } from '../../nftables/installed-rule.ts';
import { families, NFT_MSG_GETCHAIN, NFT_MSG_GETTABLE } from '../../nftables/objects/messages.ts';
import { consistently } from '../../nftables/picture.ts';
import { dump, dumpParts, partsOf, readGeneration } from '../../nftables/read.ts';
import { Slice, step, type Verb } from '../../run.ts';
import type { Writer } from '../../sync/commit.ts';
import { KeyWriter } from '../sync/rule-key.ts';
import type { TableState } from '../sync/state.ts';
import type { CompatContext } from './context.ts';
import { hiddenChain } from './look.ts';
import { ViewChain, ViewRule } from './view-rule.ts';

/** Of events nobody has asked for: beyond, what is known is read anew. */
const QUEUE_BYTES = 16 * 1024 * 1024;
/** How long the events of a commit that the kernel has told of may be on their way. */
const LATE_MS = 2000;
const LOOK_EVERY_MS = 1;
/** How long a lookup may wait for them: nothing else happens in the process meanwhile. */
const BLOCKS_MS = 200;
const AT_ONCE = 256;

export interface ViewTable extends TableState<ViewChain> {
  /** A chain whose name is a builtin one's, and which is none. */
  hidden(chain: string): ChangedChain | undefined;
}

export interface View {
  readonly generation: number;
  /** Who has committed last but us; undefined where that was not seen. */
  readonly by: Writer | undefined;
  table(name: string): ViewTable;
}

export class CompatView implements Listener {
  readonly #context: CompatContext;
  readonly #tables = new Set<string>();
  #follower: Follower<ViewRule> | undefined;
  #reader: EventReader | undefined;
  #source: NativeEventSource | undefined;
  #forget: (() => void) | undefined;
  #writer: KeyWriter | undefined;
  /** Keys of the rules that the commit of that generation has sent, in their order. */
  #sent: { readonly generation: number; readonly keys: readonly string[]; next: number } | undefined;
  /** Of the commit that is being applied, where it is ours. */
  #applying = 0;
  #by: Writer | undefined;

  constructor(context: CompatContext) {
    this.#context = context;
  }

  get #connection(): Connection {
    return this.#context.connection;
  }

  /** The tables as they are now. */
  *look(tables: readonly string[]): Verb<View> {
    const { generation } = yield* readGeneration(this.#connection);
    const more = tables.filter((name) => !this.#tables.has(name));
    for (const name of more) this.#tables.add(name);
    if (more.length > 0) this.#drop();
    if (!(yield* this.#catchUp(generation))) yield* this.#read();
    // Closed meanwhile.
    if (this.#follower === undefined) throw closedError('look at the tables');
    return this.#known();
  }

  /** As `look`, of tables that were looked at, and at once; undefined where they have to be read anew. */
  now(): View | undefined {
    const reply = this.#source?.generation();
    if (reply === undefined || reply.failure !== undefined) return undefined;
    const { generation } = reply;
    const until = performance.now() + BLOCKS_MS;
    while (this.#isBehind(generation) && performance.now() < until) this.#take(BLOCKS_MS);
    if (this.#isBehind(generation)) this.#drop();
    return this.#follower === undefined ? undefined : this.#known();
  }

  /** What has come is applied: whoever looks seldom calls it, or the queue gets full. False where the tables have to be read anew. */
  drain(): boolean {
    // What comes while the tables are being read waits until they are.
    const batch = this.#follower === undefined ? undefined : this.#source?.take(0);
    if (batch !== undefined) this.#apply(batch);
    return this.#follower !== undefined;
  }

  /** The next look reads the tables anew. */
  close(): void {
    this.#drop();
  }

  #known(): View {
    // Set names as they are at this look.
    this.#writer = undefined;
    const follower = this.#follower as Follower<ViewRule>;
    const views = new Map<string, ViewTable>();
    const table = (name: string): ViewTable => {
      let view = views.get(name);
      if (view === undefined) views.set(name, (view = this.#view(follower.table(this.#context.family, name))));
      return view;
    };
    return { generation: follower.generation, by: this.#by, table };
  }

  /** What the commit that made `generation` has sent; its events come after this look. */
  sent(generation: number, keys: readonly string[]): void {
    this.#sent = { generation, keys, next: 0 };
  }

  connectionClosed(): void {
    this.#drop();
  }

  #view(table: FollowedTable<ViewRule> | undefined): ViewTable {
    const view = (chain: FollowedChain<ViewRule>): ViewChain => {
      const last = chain.kept as ViewChain | undefined;
      if (last?.isOf(chain) === true) return last;
      const now = new ViewChain(chain, () => this.#keyWriter());
      chain.kept = now;
      return now;
    };
    const get = (name: string): ViewChain | undefined => {
      const found = table?.chain(name);
      return found === undefined ? undefined : view(found);
    };
    const chains = {
      size: table?.size ?? 0,
      get: (name: string): ViewChain | undefined => {
        const found = get(name);
        return found?.shown === true ? found : undefined;
      },
      *values(): Generator<ViewChain> {
        for (const chain of table?.chains() ?? []) {
          const found = view(chain);
          if (found.shown) yield found;
        }
      },
    };
    const hidden = (name: string): ChangedChain | undefined => {
      const found = get(name);
      return found?.shown === false ? found.object : undefined;
    };
    const refusal = (name: string): NetfilterError | undefined => {
      const found = hidden(name);
      return found === undefined ? undefined : hiddenChain(found.table, name, found.hook !== undefined);
    };
    return { exists: table !== undefined, history: table?.history, chains, hidden, refusal };
  }

  #keyWriter(): KeyWriter {
    this.#writer ??= new KeyWriter(this.#context.bytes(), 'nft');
    return this.#writer;
  }

  #isBehind(generation: number): boolean {
    return this.#follower !== undefined && ((this.#follower.generation - generation) | 0) < 0;
  }

  /** Whether what is known is of that generation, or of a later one; the events of a commit may be on their way. */
  *#catchUp(generation: number): Verb<boolean> {
    const until = performance.now() + LATE_MS;
    while (this.#isBehind(generation) && performance.now() < until)
      yield* step({ sync: () => this.#take(BLOCKS_MS), async: () => this.#come() });
    if (this.#isBehind(generation)) this.#drop();
    return this.#follower !== undefined;
  }

  /** Waits where nothing has come. */
  #take(ms: number): void {
    const batch = this.#source?.take(ms);
    if (batch !== undefined) this.#apply(batch);
  }

  /** A pull would go on waiting where a lookup takes what it waits for, and keep the process alive. */
  async #come(): Promise<void> {
    const batch = this.#source?.take(0);
    if (batch === undefined) await sleep(LOOK_EVERY_MS);
    else this.#apply(batch);
  }

  #apply(batch: NativeEventBatch): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    // Set names as they are by now.
    this.#writer = undefined;
    try {
      reader.push(batch);
      for (let event = reader.next(); event !== undefined; event = reader.next()) {
        if (event.kind === 'commit') {
          const { own, generation, tid, process } = event;
          this.#applying = own ? generation : 0;
          if (!own && tid !== 0) this.#by = { process, tid };
          if (this.#follower?.apply(event) === true) continue;
        }
        return this.#drop();
      }
    } catch {
      // A message that can't be read: a dump may, or says why not.
      this.#drop();
    }
  }

  #keep(rule: ConstructorParameters<typeof ViewRule>[0]): ViewRule {
    const sent = this.#sent;
    const key = sent !== undefined && sent.generation === this.#applying ? sent.keys[sent.next++] : undefined;
    const kept = new ViewRule(rule, key);
    // Now, and the batch can go.
    kept.key(this.#keyWriter());
    return kept;
  }

  #drop(): void {
    this.#follower = undefined;
    this.#reader = undefined;
    this.#source?.close();
    this.#source = undefined;
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
      renamed: (rule, from, to) => rule.renamed(this.#context.family, from, to),
      follows: (table) => table.family === this.#context.family && this.#tables.has(table.name),
    });
    for (const table of value.tables) follower.addTable(table);
    for (const chain of value.chains) follower.table(chain.family, chain.table)?.addChain(chain);
    // Keys now, and the dump can go; set names as they are now.
    this.#writer = undefined;
    const writer = this.#keyWriter();
    for (const { table: name, chain, start, end } of value.rules.chains) {
      const table = follower.table(this.#context.family, name);
      const into = table?.chain(chain);
      for (let row = start; row < end; row++) {
        if (row % AT_ONCE === 0) yield* slice.pause();
        const dumped = new DumpedRule(value.rules, row);
        const rule = new ViewRule(dumped);
        rule.key(writer);
        into?.push(rule.handle, rule);
        table?.bind(rule.handle, dumped);
      }
    }
    if (this.#source === source) this.#follower = follower;
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
