// load: a kube-proxy rule set into an empty namespace, in one transaction.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type CompiledRuleset, compile, Iptables } from 'nflink';
import { PrivateNamespace } from '../harness/namespace.ts';
import { floorSend, mustHold } from '../harness/real-rules.ts';
import { recordRestore } from '../harness/record-batch.ts';
import type { Column, Scenario } from '../harness/scenario.ts';
import { kubeRuleSet } from '../kube.ts';

/** After a namespace is closed the kernel takes it apart in the background; the next column isn't to pay for that. */
const SETTLE_MS = 40;

export const load: Scenario = {
  name: 'load',
  about: 'a kube-proxy rule set into an empty namespace, in one transaction; connections and batches of the floor are made beforehand',
  repetitions: 15,
  async prepare(size, tools) {
    const set = kubeRuleSet({ rules: size, endpoints: 5 });
    const batchFile = join(tools.folder, `load-${size}.batch`);
    {
      await using ns = await PrivateNamespace.create();
      await writeFile(batchFile, recordRestore(set.text, { pid: ns.pid }));
    }
    const compiled = compile(set.text);

    /** Runs `work` in a fresh namespace, and has the number of rules checked. */
    const fresh = async (who: string, work: (ns: PrivateNamespace) => Promise<number>): Promise<number> => {
      const ns = await PrivateNamespace.create();
      try {
        const ms = await work(ns);
        await mustHold(ns, tools, set.rules, who);
        await ns.must('nft', ['flush', 'ruleset']);
        return ms;
      } finally {
        await ns.close();
        await setTimeout(SETTLE_MS);
      }
    };
    const restore = (name: string, rules: string | CompiledRuleset): Column => ({
      kind: 'nflink',
      name,
      measure: () =>
        fresh(name, async (ns) => {
          await using ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } });
          const start = performance.now();
          await ipt.restore(rules);
          return performance.now() - start;
        }),
    });
    const program: Column = {
      kind: 'exec',
      name: 'iptables-nft-restore',
      measure: () => fresh('iptables-nft-restore', async (ns) => (await ns.must('iptables-nft-restore', [], { input: set.text })).ms),
    };
    const floor: Column = {
      kind: 'floor',
      name: 'one sendmsg of the prebuilt batch',
      measure: () =>
        fresh('the floor', async (ns) => {
          const sent = await floorSend(ns, tools, batchFile);
          if (sent.errors > 0) throw new Error(`the floor: ${sent.errors} operations failed`);
          return sent.ms;
        }),
    };
    return {
      subject: `${set.rules} rules in ${set.chains} chains`,
      columns: [restore('restore(text)', set.text), restore('restore(compiled)', compiled), program, floor],
      close: async () => {},
    };
  },
};
