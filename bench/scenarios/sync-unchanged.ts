// sync-unchanged: a sync that has nothing to do, as most of a service that syncs by the clock.
import type { CompiledRuleset, SyncReport } from 'nflink';
import type { Scenario } from '../harness/scenario.ts';
import { type Backend, KubeTexts, loaded, scope, warm } from './kube-sync.ts';

function onBackend(name: string, backend: Backend, about: string): Scenario {
  return {
    name,
    about,
    repetitions: 30,
    async prepare(size) {
      const texts = new KubeTexts(size);
      const ns = await loaded(backend, texts);
      const ipt = await warm(backend, ns, texts);
      const desired = texts.compiled[texts.turn()] as CompiledRuleset;
      const { generation } = await ipt.sync(desired, scope);
      if ((generation === undefined) === (backend === 'nft')) throw new Error(`sync: generation ${String(generation)}`);
      const checked = (who: string, start: number, report: SyncReport): number => {
        const ms = performance.now() - start;
        texts.check(who, report, 0);
        if (report.generation !== generation)
          throw new Error(`${who}: generation ${String(report.generation)}, it was ${String(generation)}`);
        return ms;
      };
      return {
        subject: `none of ${texts.set.rules} rules in ${texts.set.chains} chains`,
        columns: [
          {
            kind: 'nflink',
            name: 'sync(compiled)',
            measure: async () => checked('sync', performance.now(), await ipt.sync(desired, scope)),
          },
          {
            kind: 'nflink',
            name: 'syncSync(compiled)',
            measure: async () => checked('syncSync', performance.now(), ipt.syncSync(desired, scope)),
          },
        ],
        close: async () => {
          await ipt.close();
          await ns.close();
        },
      };
    },
  };
}

export const syncUnchanged = onBackend('sync-unchanged', 'nft', 'a sync of the same compiled rules again: nothing is written');
export const syncUnchangedLegacy = onBackend('sync-unchanged-legacy', 'legacy', 'the same in legacy tables');
