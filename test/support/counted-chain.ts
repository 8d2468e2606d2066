// One chain whose rules all count the same packets, for each way to count: Nftables, and Iptables on both backends. It is changed by nflink and
// by the real programs.
import './xtables-lock.ts';
import { type CounterSample, type CounterSnapshot, expressions, Iptables, Nftables, type Subscription } from '../../lib/index.ts';
import { TestNamespace } from './namespace.ts';
import { type IpFamily, LOOPBACK, PORT, Sender } from './traffic.ts';

export type Way = 'nftables' | 'iptables-nft' | 'iptables-legacy';
export const ways: readonly Way[] = ['nftables', 'iptables-nft', 'iptables-legacy'];
export const families: readonly IpFamily[] = ['ip', 'ip6'];

export const TABLE = 'filter';
/** UDP to PORT jumps here from OUTPUT. */
export const CHAIN = 'C';

/** Rules are named by their comment; each matches all that comes. */
export interface Changes {
  append(comment: string, counter?: { readonly packets: bigint; readonly bytes: bigint }): Promise<void>;
  insert(comment: string): Promise<void>;
  remove(comment: string): Promise<void>;
  replace(old: string, comment: string): Promise<void>;
  /** All rules count from zero. */
  reset(): Promise<void>;
  /** The ruleset as it is, made anew. */
  restore(counters: boolean): Promise<void>;
  rename(chain: string, to: string): Promise<void>;
}

export abstract class CountedChain implements AsyncDisposable {
  readonly ns: TestNamespace;
  readonly family: IpFamily;
  readonly sender: Sender;
  abstract readonly own: Changes;
  abstract readonly foreign: Changes;

  constructor(ns: TestNamespace, family: IpFamily) {
    this.ns = ns;
    this.family = family;
    this.sender = new Sender(ns);
  }

  static async create(way: Way, family: IpFamily, ...comments: readonly string[]): Promise<CountedChain> {
    const ns = await TestNamespace.create();
    ns.up();
    const host = way === 'nftables' ? await NftChain.open(ns, family) : await IptablesChain.open(ns, family, way);
    for (const comment of comments) await host.foreign.append(comment);
    return host;
  }

  abstract counters(scope?: 'all' | 'table' | 'chain'): Promise<CounterSnapshot>;
  abstract watch(intervalMs?: number, o?: { readonly signal?: AbortSignal }): Subscription<CounterSample>;
  /** The ruleset as it is now, to be restored by this process at any time. */
  abstract saved(counters: boolean): Promise<() => Promise<void>>;
  abstract close(): Promise<void>;

  async send(packets: number, payload?: number): Promise<void> {
    await this.sender.send(LOOPBACK[this.family], packets, payload);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sender[Symbol.asyncDispose]();
    await this.close();
    await this.ns.close();
  }
}

interface Listed {
  readonly rule?: { readonly comment?: string; readonly handle: number };
}

export class NftChain extends CountedChain {
  readonly nft: Nftables;
  readonly own: Changes;
  readonly foreign: Changes;

  private constructor(ns: TestNamespace, family: IpFamily, nft: Nftables) {
    super(ns, family);
    this.nft = nft;
    const rule = { family, table: TABLE, chain: CHAIN } as const;
    const counter = (): ReturnType<typeof expressions.counter> => expressions.counter();
    const handle = async (comment: string): Promise<number> => {
      const listed = JSON.parse(await ns.must('nft', ['-j', '-a', 'list', 'chain', family, TABLE, CHAIN])) as { nftables: Listed[] };
      const found = listed.nftables.find((o) => o.rule?.comment === comment)?.rule;
      if (found === undefined) throw new Error(`no rule ${comment}`);
      return found.handle;
    };
    const commit = async (fill: (tx: ReturnType<Nftables['transaction']>) => void, of: Nftables = nft): Promise<void> => {
      const tx = of.transaction();
      fill(tx);
      await tx.commit();
    };
    this.own = {
      append: (comment, c) =>
        commit((tx) => void tx.add({ rule: { ...rule, comment, expressions: [c === undefined ? counter() : expressions.counter(c)] } })),
      insert: (comment) => commit((tx) => void tx.insert({ rule: { ...rule, comment, expressions: [counter()] } })),
      remove: async (comment) => {
        const at = await handle(comment);
        await commit((tx) => void tx.delete({ rule: { ...rule, handle: at } }));
      },
      replace: async (old, comment) => {
        const at = await handle(old);
        await commit((tx) => void tx.replace({ rule: { ...rule, handle: at, comment, expressions: [counter()] } }));
      },
      reset: () => commit((tx) => void tx.reset({ table: { family, name: TABLE } })),
      restore: async (counters) => void (await nft.restore(await nft.snapshot(), { existing: 'replace', counters })),
      rename: (name, newname) => commit((tx) => void tx.rename({ chain: { family, table: TABLE, name, newname } })),
    };
    const words = [family, TABLE, CHAIN] as const;
    const counting = (comment: string): string[] => ['counter', 'comment', `"${comment}"`];
    this.foreign = {
      append: async (comment, c) =>
        void (await ns.must('nft', [
          'add',
          'rule',
          ...words,
          'counter',
          ...(c === undefined ? [] : ['packets', `${c.packets}`, 'bytes', `${c.bytes}`]),
          'comment',
          `"${comment}"`,
        ])),
      insert: async (comment) => void (await ns.must('nft', ['insert', 'rule', ...words, ...counting(comment)])),
      remove: async (comment) => void (await ns.must('nft', ['delete', 'rule', ...words, 'handle', `${await handle(comment)}`])),
      replace: async (old, comment) =>
        void (await ns.must('nft', ['replace', 'rule', ...words, 'handle', `${await handle(old)}`, ...counting(comment)])),
      // nft 1.0.6 can't; what another connection does is foreign.
      reset: async () => {
        await using other = await Nftables.open({ netns: ns.path });
        await commit((tx) => void tx.reset({ table: { family, name: TABLE } }), other);
      },
      restore: async (counters) => {
        const listing = await ns.must('nft', [...(counters ? [] : ['-s']), 'list', 'ruleset']);
        await ns.must('nft', ['-f', '-'], { input: `flush ruleset\n${listing}` });
      },
      rename: async (name, newname) => void (await ns.must('nft', ['rename', 'chain', family, TABLE, name, newname])),
    };
  }

  static async open(ns: TestNamespace, family: IpFamily): Promise<NftChain> {
    const input = `table ${family} ${TABLE} {
      chain ${CHAIN} { }
      chain OUTPUT { type filter hook output priority 0; policy accept; udp dport ${PORT} counter jump ${CHAIN} comment "jump"; }
    }`;
    await ns.must('nft', ['-f', '-'], { input });
    return new NftChain(ns, family, await Nftables.open({ netns: ns.path }));
  }

  async counters(scope: 'all' | 'table' | 'chain' = 'table'): Promise<CounterSnapshot> {
    const table = { family: this.family, name: TABLE } as const;
    return await this.nft.counters(scope === 'all' ? {} : scope === 'table' ? { table } : { table, chain: CHAIN });
  }
  watch(intervalMs = 20, o: { readonly signal?: AbortSignal } = {}): Subscription<CounterSample> {
    return this.nft.watchCounters({ intervalMs, table: { family: this.family, name: TABLE }, ...o });
  }
  async saved(counters: boolean): Promise<() => Promise<void>> {
    const snapshot = await this.nft.snapshot();
    return async () => void (await this.nft.restore(snapshot, { existing: 'replace', counters }));
  }
  async close(): Promise<void> {
    await this.nft.close();
  }
}

export class IptablesChain extends CountedChain {
  readonly ipt: Iptables;
  readonly program: string;
  readonly own: Changes;
  readonly foreign: Changes;

  private constructor(ns: TestNamespace, family: IpFamily, ipt: Iptables) {
    super(ns, family);
    this.ipt = ipt;
    const program = `${family}tables-${ipt.backend.name}`;
    this.program = program;
    const named = (comment: string): string[] => ['-m', 'comment', '--comment', comment];
    const number = async (comment: string): Promise<number> => {
      const listed = (await ns.must(program, ['-S', CHAIN])).split('\n').filter((line) => line.startsWith('-A '));
      const at = listed.findIndex((line) => new RegExp(`--comment "?${comment}"?$`).test(line));
      if (at < 0) throw new Error(`no rule ${comment}`);
      return at + 1;
    };
    const must = async (...args: readonly string[]): Promise<void> => void (await ns.must(program, args));
    this.own = {
      append: (comment, c) =>
        ipt.append(TABLE, CHAIN, [...(c === undefined ? [] : ['-c', `${c.packets}`, `${c.bytes}`]), ...named(comment)]),
      insert: (comment) => ipt.insert(TABLE, CHAIN, 1, named(comment)),
      remove: (comment) => ipt.delete(TABLE, CHAIN, named(comment)),
      replace: async (old, comment) => await ipt.replace(TABLE, CHAIN, await number(old), named(comment)),
      reset: () => ipt.zero(TABLE),
      restore: async (counters) => void (await ipt.restore(await ipt.save({ counters }), { counters })),
      rename: (chain, to) => ipt.renameChain(TABLE, chain, to),
    };
    // ip6tables-nft 1.8.9 gives every rule zero, whatever -c says: another connection does it there.
    const cannotCount = program === 'ip6tables-nft';
    const another = async (fn: (other: Iptables) => Promise<unknown>): Promise<void> => {
      await using other = await Iptables.open({ family, backend: ipt.backend.name, netns: ns.path });
      await fn(other);
    };
    this.foreign = {
      append: (comment, c) =>
        c !== undefined && cannotCount
          ? another((other) => other.append(TABLE, CHAIN, ['-c', `${c.packets}`, `${c.bytes}`, ...named(comment)]))
          : must('-A', CHAIN, ...(c === undefined ? [] : ['-c', `${c.packets}`, `${c.bytes}`]), ...named(comment)),
      insert: (comment) => must('-I', CHAIN, ...named(comment)),
      remove: (comment) => must('-D', CHAIN, ...named(comment)),
      replace: async (old, comment) => await must('-R', CHAIN, `${await number(old)}`, ...named(comment)),
      reset: () => must('-Z'),
      restore: async (counters) => {
        if (counters && cannotCount) return await another(async (other) => other.restore(await other.save({ counters }), { counters }));
        const flag = counters ? ['-c'] : [];
        await ns.must(`${program}-restore`, flag, { input: await ns.must(`${program}-save`, flag) });
      },
      rename: (chain, to) => must('-E', chain, to),
    };
  }

  static async open(ns: TestNamespace, family: IpFamily, way: Way): Promise<IptablesChain> {
    const backend = way === 'iptables-nft' ? 'nft' : 'legacy';
    const input = `*${TABLE}\n:${CHAIN} - [0:0]\n-A OUTPUT -p udp -m udp --dport ${PORT} -m comment --comment jump -j ${CHAIN}\nCOMMIT\n`;
    await ns.must(`${family}tables-${backend}-restore`, [], { input });
    return new IptablesChain(ns, family, await Iptables.open({ family, backend, netns: ns.path }));
  }

  async counters(scope: 'all' | 'table' | 'chain' = 'table'): Promise<CounterSnapshot> {
    return await this.ipt.counters(scope === 'all' ? {} : scope === 'table' ? { table: TABLE } : { table: TABLE, chain: CHAIN });
  }
  watch(intervalMs = 20, o: { readonly signal?: AbortSignal } = {}): Subscription<CounterSample> {
    return this.ipt.watchCounters({ intervalMs, table: TABLE, ...o });
  }
  async saved(counters: boolean): Promise<() => Promise<void>> {
    const text = await this.ipt.save({ counters });
    return async () => void (await this.ipt.restore(text, { counters }));
  }
  async close(): Promise<void> {
    await this.ipt.close();
  }
}
