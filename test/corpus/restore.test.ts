// Real rule sets through nflink and through the real programs, on both backends: both ways the kernel holds the same and both print the same.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { kubeSaveText } from '../../bench/kube.ts';
import { compile } from '../../lib/index.ts';
import { fragmentNames, golden, hostNames, ruleSet, tablesOf } from '../support/fixtures.ts';
import { type CorpusHost, withCorpusHost } from '../support/iptables-corpus.ts';
import { type Backend, backends } from '../support/iptables-programs.ts';
import { rawRules } from '../support/raw-dump.ts';
import { rawTable } from '../support/raw-table.ts';

const goldens = new Set<string>([...hostNames, 'kube-nginx']);
const KUBE = 'kube-proxy with 2,000 rules';
const textOf = (name: string): string => (name === KUBE ? kubeSaveText({ rules: 2000, counters: true }) : ruleSet(name));

interface Printed {
  readonly save: string;
  readonly counted: string;
  readonly S: string;
}

/** `-S` of every table, each after a line with its name, as the golden files have it. */
async function printed({ ns, programs }: CorpusHost, tables: readonly string[]): Promise<Printed> {
  let S = '';
  for (const table of tables) S += `*${table}\n${await programs.must(ns, '-t', table, '-S')}`;
  return { save: await programs.save(ns), counted: await programs.save(ns, '-c'), S };
}

/** What the real programs print for the same text restored by the real program in a namespace of its own. */
async function expected(backend: Backend, name: string): Promise<Printed> {
  if (goldens.has(name))
    return { save: golden(name, 'save', backend), counted: golden(name, 'save-c', backend), S: golden(name, 'S', backend) };
  return await withCorpusHost(backend, name, async (h) => {
    await h.programs.restore(h.ns, textOf(name), '--counters');
    return await printed(h, [...tablesOf(textOf(name)).keys()]);
  });
}

/** What the kernel holds, byte for byte. */
function raw({ ns }: CorpusHost, backend: Backend, tables: readonly string[], counters: boolean): unknown {
  return backend === 'nft' ? rawRules(ns.path, { counters }) : tables.map((table) => rawTable(ns, table, { counters }));
}

for (const backend of backends) {
  for (const name of [...hostNames, ...fragmentNames, KUBE]) {
    describe(`${backend}: ${name}`, () => {
      const names = [...tablesOf(textOf(name)).keys()];

      it('restored by nflink: the real programs print what they print after the real restore, counters too', async () => {
        const real = await expected(backend, name);
        for (const form of ['promise', 'sync'] as const) {
          await withCorpusHost(backend, name, async (h) => {
            const text = form === 'sync' ? compile(textOf(name)) : textOf(name);
            const result = form === 'sync' ? h.ipt.restoreSync(text, { counters: true }) : await h.ipt.restore(text, { counters: true });
            assert.deepEqual([...result.tables].sort(), [...tablesOf(real.save).keys()].sort());
            const ours = await printed(h, [...tablesOf(real.S).keys()]);
            for (const kind of ['save', 'counted', 'S'] as const) assert.deepEqual(tablesOf(ours[kind]), tablesOf(real[kind]), kind);
          });
        }
      });

      it('restored by the real program: save() prints what the real save prints', async () => {
        await withCorpusHost(backend, name, async ({ ns, ipt, programs }) => {
          await programs.restore(ns, textOf(name), '--counters');
          const [save, counted] = [tablesOf(await programs.save(ns)), tablesOf(await programs.save(ns, '-c'))];
          assert.deepEqual(tablesOf(await ipt.save()), save);
          assert.deepEqual(tablesOf(ipt.saveSync()), save);
          assert.deepEqual(tablesOf(await ipt.save({ counters: true })), counted);
          for (const table of names) assert.deepEqual([...tablesOf(await ipt.save({ table })).keys()], [table]);
        });
      });

      it('saved and restored by nflink: the kernel holds the same bytes, and counters where they were asked for', async () => {
        await withCorpusHost(backend, name, async (first) => {
          await first.programs.restore(first.ns, textOf(name), '--counters');
          const saved = { plain: await first.ipt.save(), counted: await first.ipt.save({ counters: true }) };
          // What nflink writes is compared with what nflink wrote: the real programs order base matches otherwise on nf_tables.
          if (backend === 'nft') await first.ipt.restore(saved.counted, { counters: true });
          await withCorpusHost(backend, name, async (second) => {
            await second.ipt.restore(saved.plain);
            assert.deepEqual(raw(second, backend, names, false), raw(first, backend, names, false));
            await second.ipt.restore(saved.counted, { counters: true });
            assert.deepEqual(raw(second, backend, names, true), raw(first, backend, names, true));
          });
        });
      });
    });
  }
}
