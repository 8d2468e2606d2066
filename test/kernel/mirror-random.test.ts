// A mirror equals a fresh dump after each of 2,000 random transactions: its own connection's, others', and those of the real programs. At a
// part of them the event loop has had no turn since.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expressions as e, Iptables, type IptablesRule, NetfilterError, Nftables } from '../../lib/index.ts';
import { type ChaosChains, type ChaosCommand, IptablesChaos } from '../support/iptables-chaos.ts';
import { type Backend, type IpFamily, Programs } from '../support/iptables-programs.ts';
import { MirrorJudge } from '../support/mirrors.ts';
import { TestNamespace } from '../support/namespace.ts';
import { Chaos } from '../support/nft-chaos.ts';
import { NamespaceShell } from '../support/shell.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A word of a restore's line. */
const quoted = (word: string): string => (/^[\w./:,!-]+$/.test(word) ? word : `"${word}"`);

/** Two connections, the programs and what they do. */
class Writers implements AsyncDisposable {
  readonly chaos: IptablesChaos;
  readonly #raw: Chaos;
  readonly #programs: Programs;
  readonly #ns: TestNamespace;
  readonly own: Iptables;
  readonly other: Iptables;
  readonly #nft: Nftables;
  readonly #shell: NamespaceShell;
  /** As it was after the last transaction. */
  chains: ChaosChains = new Map();

  private constructor(ns: TestNamespace, backend: Backend, family: IpFamily, seed: number) {
    this.chaos = new IptablesChaos(seed);
    // nft's own transactions in iptables' tables and beside them; rules that iptables has words for, and others.
    this.#raw = new Chaos(seed, {
      families: [family, family, family, 'inet', family === 'ip' ? 'ip6' : 'ip'],
      tables: ['filter', 'nat', 'mangle', 'raw', 'security', 'own'],
      rules: [[e.counter()], [e.counter(), e.drop()], [{ type: 'numgen', dreg: 1, modulus: 2, mode: 'inc' }, e.accept()]],
    });
    this.#programs = new Programs(backend, family);
    this.#ns = ns;
    const open = (): Iptables => Iptables.openSync({ family, backend, netns: ns.path });
    [this.own, this.other] = [open(), open()];
    this.#nft = Nftables.openSync({ netns: ns.path });
    this.#shell = new NamespaceShell(ns);
  }
  static async open(backend: Backend, family: IpFamily, seed: number): Promise<Writers> {
    const ns = await TestNamespace.create();
    ns.mustSync('ipset', ['create', 'known', 'hash:ip', 'family', family === 'ip' ? 'inet' : 'inet6']);
    return new Writers(ns, backend, family, seed);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell[Symbol.asyncDispose]();
    for (const connection of [this.own, this.other, this.#nft]) await connection.close();
    await this.#ns.close();
  }

  save(): string {
    return this.#ns.mustSync(`${this.#programs.name}-save`);
  }
  list(table: string): readonly IptablesRule[] {
    return this.other.listSync(table);
  }

  /** iptables' commands through a connection, in one transaction. */
  transaction(of: Iptables): ReturnType<Iptables['transaction']> {
    const table = this.chaos.table();
    const tx = of.transaction(table);
    for (const command of this.chaos.commands(table, this.chains, 4)) command.push(tx);
    return tx;
  }
  /** The rules of a table in another order, some gone, some new. */
  sync(of: Iptables): void {
    const table = this.chaos.table();
    const lines = this.list(table).flatMap((rule) => ('foreign' in rule.spec ? [] : [`-A ${rule.chain} ${rule}`]));
    of.syncSync(this.chaos.desired(table, lines), { tables: [table] });
  }
  restore(of: Iptables): void {
    const table = this.chaos.table();
    of.restoreSync(this.chaos.desired(table, []));
  }
  raw(): void {
    const tx = this.#nft.transaction();
    this.#raw.own(tx, this.#nft.snapshotSync({ elements: false }));
    tx.commitSync({ handles: false });
  }
  realNft(): void {
    const input = this.chaos.random.chance(0.02) ? 'flush ruleset' : this.#raw.foreign(this.#nft.snapshotSync({ elements: false }));
    this.#ns.runSync('nft', ['-f', '-'], { input });
  }
  #real(): { readonly words: readonly string[]; readonly input?: string } {
    const table = this.chaos.table();
    const commands = this.chaos.commands(table, this.chains, 3);
    const [first] = commands as [ChaosCommand];
    if (commands.length === 1) return { words: [this.#programs.name, '-w', '-t', table, ...first.words] };
    const input = [`*${table}`, ...commands.map(({ words }) => words.map(quoted).join(' ')), 'COMMIT', ''].join('\n');
    return { words: [`${this.#programs.name}-restore`, '--noflush'], input };
  }
  realIptables(): void {
    const { words, input } = this.#real();
    const [program, ...args] = words as [string, ...string[]];
    this.#ns.runSync(program, args, input === undefined ? {} : { input });
  }
  async realIptablesMeanwhile(): Promise<void> {
    const { words, input } = this.#real();
    await this.#shell.run(words, input);
  }
}

/** What the kernel or nflink refuses has changed nothing. */
async function tried(act: () => unknown): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (err) {
    if (err instanceof NetfilterError && err.outcome === 'not-applied') return false;
    throw err;
  }
}

type Act = (w: Writers) => unknown;
/** By weight. Those without a promise leave the event loop no turn. */
const acts: Readonly<Record<'nft' | 'legacy', readonly (readonly [weight: number, name: string, act: Act])[]>> = {
  nft: [
    [20, 'own', (w) => w.transaction(w.own).commitSync()],
    [12, 'own, with promises', async (w) => await w.transaction(w.own).commit()],
    [20, 'other', (w) => w.transaction(w.other).commitSync()],
    [6, 'own sync', (w) => w.sync(w.own)],
    [6, 'other sync', (w) => w.sync(w.other)],
    [2, 'restore', (w) => w.restore(w.other)],
    [15, 'nft transaction', (w) => w.raw()],
    [2, 'real nft', (w) => w.realNft()],
    [2, 'real iptables', (w) => w.realIptables()],
    [3, 'real iptables meanwhile', async (w) => await w.realIptablesMeanwhile()],
  ],
  legacy: [
    [20, 'own', (w) => w.transaction(w.own).commitSync()],
    [12, 'own, with promises', async (w) => await w.transaction(w.own).commit()],
    [20, 'other', (w) => w.transaction(w.other).commitSync()],
    [6, 'own sync', (w) => w.sync(w.own)],
    [6, 'other sync', (w) => w.sync(w.other)],
    [2, 'restore', (w) => w.restore(w.other)],
    [10, 'real iptables', (w) => w.realIptables()],
  ],
};

function pick(backend: Backend, w: Writers): readonly [number, string, Act] {
  const list = acts[backend];
  let left = w.chaos.random.below(list.reduce((sum, [weight]) => sum + weight, 0));
  for (const entry of list) {
    left -= entry[0];
    if (left < 0) return entry;
  }
  throw new RangeError('no act');
}

for (const [family, transactions] of [
  ['ip', 1700],
  ['ip6', 300],
] as const) {
  test(`nft, ${family}: equal after each of ${transactions} transactions`, async () => {
    await using w = await Writers.open('nft', family, 7);
    await using mirror = await w.own.mirror();
    const judge = new MirrorJudge(mirror);
    const done = new Map<string, number>();
    let [applied, tries, saved, stale, generation] = [0, 0, 0, 0, mirror.generation];
    while (applied < transactions) {
      const [, name, act] = pick('nft', w);
      tries++;
      if (!(await tried(() => act(w)))) continue;
      if (mirror.stale) {
        // The thread that reads events had no time on a busy machine.
        stale++;
        await mirror.refresh();
      }
      w.chains = judge.compare(w.other, `${name}, after ${applied} transactions`);
      // The real programs are not asked whether they have done anything.
      if (mirror.generation === generation) continue;
      generation = mirror.generation;
      applied++;
      done.set(name, (done.get(name) ?? 0) + 1);
      if (applied % 50 === 0) saved += judge.compareSaved(w.save());
      // What has come is applied by itself where the loop runs on.
      if (w.chaos.random.chance(0.1)) await turn();
    }
    for (const [, name] of acts.nft) assert.ok((done.get(name) ?? 0) * 300 > transactions, `${name}: ${done.get(name)} of ${tries}`);
    assert.ok(stale <= transactions / 50, `stale ${stale} times`);
    assert.ok(saved > transactions / 50, `${saved} tables saved by the real program`);
  });
}

for (const [family, transactions] of [
  ['ip', 120],
  ['ip6', 60],
] as const) {
  test(`legacy, ${family}: equal when it is refreshed after each of ${transactions} transactions`, async () => {
    await using w = await Writers.open('legacy', family, 7);
    await using mirror = await w.own.mirror({ pollMs: 100_000 });
    const judge = new MirrorJudge(mirror);
    let [applied, saved] = [0, 0];
    while (applied < transactions) {
      const [, name, act] = pick('legacy', w);
      if (await tried(() => act(w))) applied++;
      await mirror.refresh();
      w.chains = judge.compare(w.other, `${name}, after ${applied} transactions`);
      if (applied % 20 === 0) saved += judge.compareSaved(w.save());
    }
    assert.ok(saved > transactions / 20, `${saved} tables saved by the real program`);
  });
}
