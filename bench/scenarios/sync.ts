// sync: ten rules of a loaded kube-proxy rule set become others, on both backends.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChangeEvent, type CompiledRuleset, compile, type Iptables, Nftables, type SyncReport } from 'nflink';
import type { PrivateNamespace } from '../harness/namespace.ts';
import { floorChange, floorSend, mustHold } from '../harness/real-rules.ts';
import { recordLegacySync, recordSync } from '../harness/record-batch.ts';
import type { Column, Scenario, Tools } from '../harness/scenario.ts';
import { type Backend, CHANGES, KubeTexts, loaded, scope, TABLES, warm } from './kube-sync.ts';

/** iptables-nft-restore --noflush takes half a minute for 100,000 rules that are there. */
const SLOW_FROM = 20_000;
/** A rule with a match waits for what was deleted right before it, some 15 ms: each turn begins when that is gone. */
const SETTLED_MS = 100;

interface Work {
  readonly tools: Tools;
  readonly file: string;
}

export const sync: Scenario = onBackend(
  'sync',
  'nft',
  'ten rules of a loaded kube-proxy rule set become others; what is desired was compiled before, the rules in the kernel are known',
  'the prebuilt batch of deletes and adds',
  async (ns, text, { tools, file }) => {
    await writeFile(file, recordSync(text, scope, { pid: ns.pid }));
    const { ms, errors } = await floorSend(ns, tools, file);
    if (errors > 0) throw new Error(`the floor: ${errors} operations failed`);
    return ms;
  },
);

export const syncLegacy: Scenario = onBackend(
  'sync-legacy',
  'legacy',
  'the same in legacy tables',
  'GET_ENTRIES, iptc_init, the same changes, iptc_commit',
  async (ns, text, { tools, file }) => {
    const recorded = recordLegacySync(text, scope, { pid: ns.pid });
    await writeFile(file, recorded.file);
    const { ms, commands } = await floorChange(ns, tools, file, recorded.table, TABLES);
    if (commands !== 2 * CHANGES) throw new Error(`the floor: ${commands} commands, ${2 * CHANGES} are right`);
    return ms;
  },
);

/**
 * Each column's rules change by themselves: the syncs, the program and the floor have a namespace each. Before each of its turns the floor records what
 * nflink would send there, with the handles and rule numbers of that moment, and nobody listens to its namespace while it is sent.
 */
function onBackend(
  name: string,
  backend: Backend,
  about: string,
  floorName: string,
  sendFloor: (ns: PrivateNamespace, text: string, work: Work) => Promise<number>,
): Scenario {
  return {
    name,
    about,
    repetitions: 15,
    async prepare(size, tools) {
      const texts = new KubeTexts(size);
      const work = { tools, file: join(tools.folder, `${name}-${size}.batch`) };
      const ours = await loaded(backend, texts);
      const theirs = await loaded(backend, texts);
      const floors = await loaded(backend, texts);
      const ipt = await warm(backend, ours, texts);
      const restore = async (n: number): Promise<number> =>
        (await theirs.must(`iptables-${backend}-restore`, ['--noflush'], { input: texts.texts[n] as string })).ms;
      const floor = async (n: number): Promise<number> => {
        await sleep(SETTLED_MS);
        return await sendFloor(floors, texts.texts[n] as string, work);
      };

      const first = texts.turn();
      if (backend === 'nft') await mustSendChangesOnly(ours, ipt, texts.compiled[first] as CompiledRuleset);
      else await ipt.sync(texts.compiled[first] as CompiledRuleset, scope);
      await restore(first);
      await floor(first);
      await mustBeAlike(backend, [ours, theirs, floors]);

      const right = async (ns: PrivateNamespace, who: string, ms: number): Promise<number> => {
        if (backend === 'nft') await mustHold(ns, tools, texts.set.rules, who);
        return ms;
      };
      const next = (): CompiledRuleset => texts.compiled[texts.turn()] as CompiledRuleset;
      const timed = async (who: string, desired: CompiledRuleset, call: (c: CompiledRuleset) => Promise<SyncReport> | SyncReport) => {
        await sleep(SETTLED_MS);
        const start = performance.now();
        const report = await call(desired);
        const ms = performance.now() - start;
        texts.check(who, report);
        return ms;
      };
      const sync = (c: CompiledRuleset): Promise<SyncReport> => ipt.sync(c, scope);
      const syncSync = (c: CompiledRuleset): SyncReport => ipt.syncSync(c, scope);
      let [programs, floorsTurn] = [first, first];
      const columns: Column[] = [
        { kind: 'nflink', name: 'sync(compiled)', measure: () => timed('sync', next(), sync) },
        { kind: 'nflink', name: 'syncSync(compiled)', measure: () => timed('syncSync', next(), syncSync) },
        { kind: 'nflink', name: 'sync(new text), compiled before', measure: () => timed('sync', compile(texts.unseen()), sync) },
        {
          kind: 'exec',
          name: `iptables-${backend}-restore --noflush`,
          ...(size > SLOW_FROM ? { most: 3 } : {}),
          measure: async () => {
            programs = (programs + 1) % texts.texts.length;
            return await right(theirs, 'iptables-nft-restore', await restore(programs));
          },
        },
        {
          kind: 'floor',
          name: floorName,
          measure: async () => {
            floorsTurn = (floorsTurn + 1) % texts.texts.length;
            return await right(floors, 'the floor', await floor(floorsTurn));
          },
        },
      ];
      return {
        subject: texts.subject,
        columns,
        close: async () => {
          await ipt.close();
          for (const ns of [ours, theirs, floors]) await ns.close();
        },
      };
    },
  };
}

/** The kernel's own word for what one sync does. */
async function mustSendChangesOnly(ns: PrivateNamespace, ipt: Iptables, desired: CompiledRuleset): Promise<void> {
  await using nft = await Nftables.open({ netns: { pid: ns.pid } });
  await using events = nft.events({ kinds: ['commit'] });
  await ipt.sync(desired, scope);
  const event = (await events.next()).value;
  if (event?.kind !== 'commit') throw new Error('sync: no commit was seen');
  const changes: readonly ChangeEvent[] = event.changes;
  const counted = (wanted: ChangeEvent['verb']): number => changes.filter(({ verb, object }) => verb === wanted && 'rule' in object).length;
  if (counted('add') !== CHANGES || counted('delete') !== CHANGES || changes.length !== 2 * CHANGES)
    throw new Error(`sync: the kernel tells of ${changes.length} changes, ${CHANGES} added and ${CHANGES} deleted rules are right`);
}

/** All have done the same. */
async function mustBeAlike(backend: Backend, namespaces: readonly PrivateNamespace[]): Promise<void> {
  const saved: string[] = [];
  for (const ns of namespaces) {
    const { stdout } = await ns.must(`iptables-${backend}-save`, [], { output: true });
    saved.push(stdout.replace(/^#.*\n/gm, ''));
  }
  if (saved.some((text) => text !== saved[0])) throw new Error('sync, restore and the floor have not made the same rules');
}
