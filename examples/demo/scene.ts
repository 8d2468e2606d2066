// One rule set, from an empty namespace on: loaded, saved, counted, changed, and broken on purpose. nflink works in one
// namespace and the real programs do the same in another; what either has done is judged by the other.
import { fileURLToPath } from 'node:url';
import { type CounterSnapshot, Iptables, NetfilterError } from 'nflink';
import { PrivateNamespace } from '../../bench/harness/namespace.ts';
import { compareSaves } from './save-text.ts';
import type { Screen } from './screen.ts';
import { duration, type Timings, timed } from './timings.ts';

export interface RuleSet {
  readonly title: string;
  /** In iptables-save's language. */
  readonly text: string;
  readonly rules: number;
  /** A rule to add and to take away again. */
  readonly extra: { readonly table: string; readonly chain: string; readonly rule: string };
  readonly traffic: {
    readonly say: string;
    readonly connections: number;
    readonly address: string;
    readonly port: number;
    /** A rule, and how many packets it must have counted. */
    readonly witness: { readonly table: string; readonly chain: string; readonly comment: string; readonly packets: bigint };
  };
}

const ROUNDS = 5;
const SHOWN_COUNTERS = 8;

export async function playScene(set: RuleSet, screen: Screen, timings: Timings): Promise<void> {
  await using ours = await PrivateNamespace.create();
  await using theirs = await PrivateNamespace.create();
  await using ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ours.pid } });
  const scene = new Scene(set, screen, timings, ipt, ours, theirs);
  await scene.load();
  await scene.save();
  await scene.count();
  await scene.change();
  await scene.breakOnPurpose();
}

class Scene {
  readonly #set: RuleSet;
  readonly #screen: Screen;
  readonly #timings: Timings;
  readonly #ipt: Iptables;
  readonly #ours: PrivateNamespace;
  readonly #theirs: PrivateNamespace;

  constructor(set: RuleSet, screen: Screen, timings: Timings, ipt: Iptables, ours: PrivateNamespace, theirs: PrivateNamespace) {
    this.#set = set;
    this.#screen = screen;
    this.#timings = timings;
    this.#ipt = ipt;
    this.#ours = ours;
    this.#theirs = theirs;
  }

  async load(): Promise<void> {
    const { text, rules } = this.#set;
    const nflink: number[] = [];
    const exec: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      nflink.push((await timed(() => this.#ipt.restore(text))).ms);
      exec.push((await this.#theirs.must('iptables-nft-restore', [], { input: text })).ms);
    }
    this.#time('load', nflink, 'iptables-nft-restore', exec);
    const { length } = await this.#ipt.counters();
    this.#screen.check(`loaded by ipt.restore(text): the kernel holds ${length} rules`, length === rules);
  }

  async save(): Promise<void> {
    const nflink: number[] = [];
    const exec: number[] = [];
    let saved = '';
    let listed = '';
    for (let round = 0; round < ROUNDS; round++) {
      const { ms, result } = await timed(() => this.#ipt.save());
      nflink.push(ms);
      saved = result;
      const ran = await this.#theirs.must('iptables-nft-save', [], { output: true });
      exec.push(ran.ms);
      listed = ran.stdout;
    }
    this.#time('save', nflink, 'iptables-nft-save', exec);
    this.#compare('ipt.save() = iptables-nft-save of the same namespace', saved, await this.#realSave());
    this.#compare('ipt.save() = iptables-nft-save of what iptables-nft-restore loaded', saved, listed);
  }

  async count(): Promise<void> {
    const { traffic } = this.#set;
    this.#screen.say(traffic.say);
    await this.#ours.must('ip', ['link', 'set', 'lo', 'up']);
    // An address of the node's own, the services' network, and endpoints that are all this machine.
    await this.#ours.must('ip', ['address', 'add', '192.168.7.1/32', 'dev', 'lo']);
    await this.#ours.must('ip', ['route', 'add', '10.96.0.0/16', 'dev', 'lo', 'src', '192.168.7.1']);
    await this.#ours.must('ip', ['route', 'add', 'local', '10.128.0.0/16', 'dev', 'lo']);
    const before = await this.#ipt.counters();
    const program = fileURLToPath(new URL('./traffic.js', import.meta.url));
    await this.#ours.must(process.execPath, [program, String(traffic.connections), traffic.address, String(traffic.port)]);
    const after = await this.#ipt.counters();
    this.#showMoved(before, after);

    const { table, chain, comment, packets } = traffic.witness;
    const row = after.indexOf({ table, chain, comment });
    const counted = row < 0 ? 0n : (after.packets[row] ?? 0n) - (before.packets[row] ?? 0n);
    this.#screen.check(`"${comment}" in ${table} ${chain} counted ${counted} packets`, counted === packets, `expected ${packets}`);
    this.#compare(
      'ipt.save({ counters: true }) = iptables-nft-save -c',
      await this.#ipt.save({ counters: true }),
      await this.#realSave('-c'),
    );

    const nflink: number[] = [];
    const exec: number[] = [];
    const json: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      nflink.push((await timed(() => this.#ipt.counters())).ms);
      exec.push((await this.#theirs.must('iptables-nft-save', ['-c'])).ms);
      json.push((await this.#theirs.must('nft', ['-j', 'list', 'ruleset'])).ms);
    }
    this.#time('read all counters', nflink, 'iptables-nft-save -c', exec);
    this.#time('', nflink, 'nft -j list ruleset', json);
  }

  #showMoved(before: CounterSnapshot, after: CounterSnapshot): void {
    const moved: { readonly row: number; readonly packets: bigint }[] = [];
    for (let row = 0; row < after.length; row++) {
      const packets = (after.packets[row] ?? 0n) - (before.packets[row] ?? 0n);
      if (packets > 0n) moved.push({ row, packets });
    }
    this.#screen.say(`${moved.length} of ${after.length} counters moved:`);
    for (const { row, packets } of spread(moved, SHOWN_COUNTERS)) {
      const rule = after.row(row);
      this.#screen.show(
        `${String(packets).padStart(4)} ${packets === 1n ? 'packet ' : 'packets'}  ${cut(`${rule.table} ${rule.chain}: ${String(rule)}`, 110)}`,
      );
    }
    if (moved.length > SHOWN_COUNTERS) this.#screen.show(`           and ${moved.length - SHOWN_COUNTERS} more`);
  }

  async change(): Promise<void> {
    const { table, chain, rule } = this.#set.extra;
    const place = ['-t', table];
    const words = [chain, ...wordsOf(rule)];
    const before = await this.#realSave();
    const nflink = { append: [] as number[], exists: [] as number[], delete: [] as number[] };
    const exec = { append: [] as number[], exists: [] as number[], delete: [] as number[] };
    const found: boolean[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      nflink.append.push((await timed(() => this.#ipt.append(table, chain, rule))).ms);
      const asked = await timed(() => this.#ipt.exists(table, chain, rule));
      nflink.exists.push(asked.ms);
      found.push(asked.result, (await this.#ours.run('iptables-nft', [...place, '-C', ...words])).code === 0);
      nflink.delete.push((await timed(() => this.#ipt.delete(table, chain, rule))).ms);
      found.push(
        !(await this.#ipt.exists(table, chain, rule)),
        (await this.#ours.run('iptables-nft', [...place, '-C', ...words])).code === 1,
      );

      exec.append.push((await this.#theirs.must('iptables-nft', [...place, '-A', ...words])).ms);
      exec.exists.push((await this.#theirs.must('iptables-nft', [...place, '-C', ...words])).ms);
      exec.delete.push((await this.#theirs.must('iptables-nft', [...place, '-D', ...words])).ms);
    }
    this.#time('append a rule', nflink.append, 'iptables-nft -A', exec.append);
    this.#time('is it there', nflink.exists, 'iptables-nft -C', exec.exists);
    this.#time('delete it', nflink.delete, 'iptables-nft -D', exec.delete);
    this.#screen.check(
      `a rule appended to ${table} ${chain}: ipt.exists() and iptables-nft -C find it, and after delete neither does`,
      !found.includes(false),
    );
    this.#compare('afterwards everything is as before', await this.#ipt.save(), before);
  }

  async breakOnPurpose(): Promise<void> {
    const before = await this.#realSave('-c');
    const tx = this.#ipt.transaction('filter');
    tx.newChain('DEMO');
    tx.append('DEMO', '-p tcp -m tcp --dport 22 -j ACCEPT');
    tx.append('INPUT', '-j DEMO');
    const intoNowhere = tx.append('NO-SUCH-CHAIN', '-j DROP');
    const jumpNowhere = tx.append('INPUT', '-i lo -j NO-SUCH-CHAIN');
    this.#screen.say('a transaction of five operations, two of them wrong:');
    const start = performance.now();
    try {
      await tx.commit();
      this.#screen.check('the transaction is refused', false, 'it was committed');
    } catch (err) {
      if (!(err instanceof NetfilterError)) throw err;
      const ms = performance.now() - start;
      this.#screen.show(err.failures.map((f) => f.message).join('\n'));
      this.#screen.show(`code: ${err.code}   outcome: ${err.outcome}   path: ${err.operation?.path}   (${duration(ms)})`);
      const blamed = err.failures.map((f) => f.operation?.index).join();
      const expected = [intoNowhere.index, jumpNowhere.index].join();
      this.#screen.check(
        'refused with both mistakes named, outcome not-applied',
        blamed === expected && err.outcome === 'not-applied',
        `operations ${blamed}`,
      );
    }
    this.#compare('and nothing changed', await this.#ipt.save({ counters: true }), before);
  }

  async #realSave(...args: string[]): Promise<string> {
    return (await this.#ours.must('iptables-nft-save', args, { output: true })).stdout;
  }

  #compare(claim: string, ours: string, theirs: string): void {
    const { same, difference, tables, rules } = compareSaves(ours, theirs);
    this.#screen.check(`${claim} (${rules} rules, ${tables} tables)`, same && rules === this.#set.rules, difference);
  }

  #time(step: string, nflink: readonly number[], program: string, exec: readonly number[]): void {
    this.#timings.add(this.#set.title, step, nflink, program, exec);
  }
}

/** About `count` of the items, the first and the last among them. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.round((i * (items.length - 1)) / (count - 1))] as T);
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

/** The demo's own rules as arguments: quotes hold words together, nothing more. */
function wordsOf(rule: string): string[] {
  return [...rule.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word);
}
