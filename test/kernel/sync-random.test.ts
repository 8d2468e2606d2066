// Any tables, any others that are desired: after sync the real save prints those, by the least change there is, and the diff says so. Judged by the real
// programs and a longest common subsequence of the lines they print.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables, type Plan, type SyncReport } from '../../lib/index.ts';

import { type Backend, backends, type IpFamily, ipFamilies, Programs } from '../support/iptables-programs.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import {
  builtinsOf,
  comparable,
  type Model,
  Models,
  modelTables,
  patch,
  readSaved,
  type Saved,
  textOfModel,
} from '../support/save-models.ts';
import { lcsLength } from '../support/sequences.ts';
import { NamespaceShell } from '../support/shell.ts';

const STEPS = 24;
const SEED = 60_601;

interface Listed {
  readonly rule?: { readonly family: string; readonly table: string; readonly chain: string; readonly handle: number };
}

/** One namespace in the eyes of the real programs. */
class Real implements AsyncDisposable {
  readonly #programs: Programs;
  readonly #shell: NamespaceShell;

  constructor(ns: TestNamespace, backend: Backend, family: IpFamily) {
    this.#programs = new Programs(backend, family);
    this.#shell = new NamespaceShell(ns);
  }
  async restore(text: string, ...flags: readonly string[]): Promise<void> {
    await this.#shell.must([`${this.#programs.name}-restore`, ...flags], text);
  }
  async saved(): Promise<Saved> {
    return readSaved(await this.#shell.must([`${this.#programs.name}-save`, '-c']));
  }
  /** What tells the rules of a chain from others that are alike: their handles; on legacy what they have counted. */
  async identities(saved: Saved): Promise<ReadonlyMap<string, readonly string[]>> {
    const out = new Map<string, string[]>();
    const { backend, family } = this.#programs;
    if (backend === 'legacy') {
      for (const [table, chains] of saved) for (const [chain, { counters }] of chains) out.set(`${table} ${chain}`, counters);
      return out;
    }
    const { nftables } = JSON.parse(await this.#shell.must(['nft', '-j', '-a', 'list', 'ruleset'])) as { nftables: Listed[] };
    for (const { rule } of nftables) {
      if (rule?.family !== family) continue;
      const key = `${rule.table} ${rule.chain}`;
      out.set(key, [...(out.get(key) ?? []), String(rule.handle)]);
    }
    return out;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell[Symbol.asyncDispose]();
  }
}

const EMPTY = '[0:0]';

/** What has to happen, from the lines alone. */
function reference(before: Saved, after: Saved) {
  const out = { added: 0, removed: 0, moved: 0, kept: 0, chains: { added: [] as string[], removed: [] as string[] } };
  for (const table of new Set([...before.keys(), ...after.keys()])) {
    const [was, becomes] = [before.get(table), after.get(table)];
    for (const chain of new Set([...(was?.keys() ?? []), ...(becomes?.keys() ?? [])])) {
      const [a, b] = [was?.get(chain), becomes?.get(chain)];
      const [old, wanted] = [a?.lines ?? [], b?.lines ?? []];
      const count = (list: readonly string[], line: string): number => list.filter((l) => l === line).length;
      const both = [...new Set(old)].reduce((sum, line) => sum + Math.min(count(old, line), count(wanted, line)), 0);
      const kept = b === undefined ? 0 : lcsLength(old, wanted);
      out.kept += kept;
      out.moved += both - kept;
      out.added += wanted.length - both;
      out.removed += old.length - both;
      if (a === undefined && b?.policy === undefined) out.chains.added.push(`${table} ${chain}`);
      if (b === undefined && a?.policy === undefined) out.chains.removed.push(`${table} ${chain}`);
    }
  }
  return out;
}

/** Save text that leaves no rule and no user chain in the tables that the model has not. Policies are what they are in `saved`, or ACCEPT. */
const emptied = (model: Model, saved: Saved = new Map()): string =>
  modelTables
    .filter((name) => !model.has(name))
    .map((name) => {
      const chains = builtinsOf(name).map((chain) => `:${chain} ${saved.get(name)?.get(chain)?.policy ?? 'ACCEPT'} [0:0]\n`);
      return `*${name}\n${chains.join('')}COMMIT\n`;
    })
    .join('');

const numbers = ({ added, removed, moved, kept }: SyncReport): object => ({ added, removed, moved, kept });
/** User chains: builtin ones are made silently where the kernel has none. */
const chainNames = (names: Plan['chains']['added']): string[] =>
  names
    .filter(({ chain }) => !/^(PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/.test(chain))
    .map(({ table, chain }) => `${table} ${chain}`)
    .sort();

interface Change<T> {
  readonly before: T;
  readonly after: T;
}
type Identities = ReadonlyMap<string, readonly string[]>;

/**
 * How many rules are there as they were, and how many counters, having checked that what stays keeps its order, line and counter, and that what comes
 * has counted nothing; or, with `carried`, what a rule of the same line had.
 */
function staying(
  saved: Change<Saved>,
  identities: Change<Identities>,
  carried: boolean,
): { readonly rules: number; readonly counters: number } {
  const found = { rules: 0, counters: 0 };
  for (const [table, chains] of saved.after)
    for (const [chain, { lines, counters }] of chains) {
      const key = `${table} ${chain}`;
      const [old, now] = [identities.before.get(key) ?? [], identities.after.get(key) ?? []];
      const was = saved.before.get(table)?.get(chain);
      const carriedFrom = new Set<number>();
      let last = -1;
      for (const [place, line] of lines.entries()) {
        const [id, counter] = [now[place] as string, counters[place] as string];
        const from = id === EMPTY ? -1 : old.indexOf(id);
        if (counter !== EMPTY) found.counters++;
        if (from >= 0) {
          found.rules++;
          // On legacy a counter that was carried looks like a rule that stayed.
          assert.ok(from > last || (carried && id === counter), `${line}: stays at another place`);
          last = from;
          assert.equal(was?.lines[from], line);
          assert.equal(was?.counters[from], counter, `${line}: its counter`);
        } else if (counter !== EMPTY) {
          assert.ok(carried, `${line}: comes with a counter`);
          const source = was?.counters.findIndex((c, i) => c === counter && was.lines[i] === line && !carriedFrom.has(i)) ?? -1;
          assert.ok(source >= 0, `${line}: ${counter} is of no rule like it`);
          carriedFrom.add(source);
        }
      }
    }
  return found;
}

for (const backend of backends)
  for (const family of ipFamilies)
    describe(`random tables on ${backend}, ${family}`, () => {
      it(`${STEPS} times become others by the least change, through one connection`, async (t) => {
        const seed = SEED + (backend === 'nft' ? 1 : 0) + (family === 'ip6' ? 2 : 0);
        t.diagnostic(`seed ${seed}`);
        const models = new Models(seed, family);
        await withNamespace(async (ns) => {
          await withNamespace(async (twinNs) => {
            await using real = new Real(ns, backend, family);
            await using twin = new Real(twinNs, backend, family);
            await using ipt = await Iptables.open({ family, backend, netns: ns.path });
            let [kept, changed, moved] = [0, 0, 0];
            let current = models.any();
            for (let step = 0; step < STEPS; step++) {
              // Somebody else's tables, with counters; or those of the sync before.
              const foreign = step === 0 || models.chance(0.7);
              if (foreign) {
                current = step === 0 || models.chance(0.4) ? models.any() : models.like(current);
                const all = emptied(current) + textOfModel(current, (n) => `[${n + 1}:${1000 + n}]`);
                // ip6tables-nft 1.8.9 gives every rule zero, whatever -c says: another connection does it there.
                if (backend === 'nft' && family === 'ip6') {
                  await using other = await Iptables.open({ family, backend, netns: ns.path });
                  await other.restore(all, { counters: true });
                } else await real.restore(all, '-c');
              }
              const before = await real.saved();
              const identitiesBefore = await real.identities(before);
              current = models.chance(0.3) ? models.any() : models.like(current);
              const text = textOfModel(current);
              await twin.restore(emptied(current, before) + text);
              const wanted = await twin.saved();
              const title = `step ${step}: ${text}`;

              const form = step % 2 === 0;
              const scope = { tables: modelTables };
              const plan = form ? await ipt.plan(text, scope) : ipt.planSync(text, scope);
              const expected = reference(before, wanted);
              assert.ok(plan.minimal);
              assert.deepEqual(
                numbers(plan),
                { added: expected.added, removed: expected.removed, moved: expected.moved, kept: expected.kept },
                title,
              );
              assert.deepEqual(chainNames(plan.chains.added), expected.chains.added.sort(), title);
              assert.deepEqual(chainNames(plan.chains.removed), expected.chains.removed.sort(), title);
              assert.equal(plan.empty, String(plan) === '', title);
              assert.deepEqual(comparable(patch(before, String(plan))), comparable(wanted), String(plan));

              const carry = models.chance(0.3);
              const o = { carryCounters: carry };
              const way = step % 4;
              const report =
                way === 0
                  ? await ipt.sync(text, scope, o)
                  : way === 1
                    ? ipt.syncSync(text, scope, o)
                    : way === 2
                      ? await plan.apply(o)
                      : plan.applySync(o);
              assert.deepEqual(numbers(report), numbers(plan), title);
              assert.equal(report.retries, 0);
              const after = await real.saved();
              assert.deepEqual(comparable(after), comparable(wanted), title);

              const same = staying({ before, after }, { before: identitiesBefore, after: await real.identities(after) }, carry);
              if (backend === 'nft' || foreign)
                assert.equal(same.rules, expected.kept + (carry && backend === 'legacy' ? expected.moved : 0), title);
              if (foreign) assert.equal(same.counters, expected.kept + (carry ? expected.moved : 0), title);
              kept += expected.kept;
              moved += expected.moved;
              changed += expected.added + expected.removed + expected.moved;

              const again = form ? await ipt.sync(text, scope) : ipt.syncSync(text, scope);
              assert.deepEqual(numbers(again), { added: 0, removed: 0, moved: 0, kept: expected.kept + expected.added + expected.moved });
              assert.equal(again.generation, report.generation);
            }
            t.diagnostic(`${kept} rules stayed, ${changed} changed, ${moved} of them moved`);
            assert.ok(kept > 200 && changed > 200 && moved > 15);
          });
        });
      });

      it('counters are carried table by table', async () => {
        await withNamespace(async (ns) => {
          await using ipt = await Iptables.open({ family, backend, netns: ns.path });
          const text = (order: readonly number[], counted: boolean): string =>
            modelTables
              .map((table, i) => {
                const rule = (n: number): string => `${counted ? `[${10 * i + n}:${100 * i + n}] ` : ''}-A X -p tcp -m tcp --dport ${n}\n`;
                return `*${table}\n:X - [0:0]\n${order.map(rule).join('')}COMMIT\n`;
              })
              .join('');
          await ipt.restore(text([1, 2, 3], true), { counters: true });
          const report = await ipt.sync(text([3, 1, 2], false), {}, { carryCounters: true });
          assert.deepEqual(numbers(report), { added: 0, removed: 0, moved: 3, kept: 6 });
          const saved = readSaved(await new Programs(backend, family).save(ns, '-c'));
          for (const [i, table] of modelTables.entries())
            assert.deepEqual(
              saved.get(table)?.get('X')?.counters,
              [3, 1, 2].map((n) => `[${10 * i + n}:${100 * i + n}]`),
              table,
            );
        });
      });

      it('nothing is sent where nothing has to be done', async () => {
        await withNamespace(async (ns) => {
          const programs = new Programs(backend, family);
          const text = '*filter\n:INPUT ACCEPT [5:6]\n:FORWARD DROP [7:8]\n:OUTPUT ACCEPT [9:10]\n:X - [0:0]\n[1:2] -A X -p tcp\nCOMMIT\n';
          await programs.restore(ns, text, '-c');
          await using ipt = await Iptables.open({ family, backend, netns: ns.path });
          const before = await programs.state(ns);
          const generation = (await ipt.plan(text)).generation;
          assert.equal(generation !== undefined, backend === 'nft');
          for (const scope of [{}, { tables: ['filter'] }]) {
            const plan = await ipt.plan(text, scope);
            assert.ok(plan.empty);
            assert.equal(String(plan), '');
            for (const report of [await plan.apply(), plan.applySync(), await ipt.sync(text, scope), ipt.syncSync(text, scope)])
              assert.deepEqual(
                { ...report },
                { added: 0, removed: 0, moved: 0, kept: 1, retries: 0, ...(generation === undefined ? {} : { generation }) },
              );
          }
          // Any commit to a legacy table takes what its policies have counted.
          assert.deepEqual(await programs.state(ns), before);
        });
      });
    });
