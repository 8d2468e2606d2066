// counters: the counters of every rule of a loaded kube-proxy rule set.
import { Iptables } from 'nflink';
import { PrivateNamespace } from '../harness/namespace.ts';
import { floorDump, mustHold } from '../harness/real-rules.ts';
import type { Column, Scenario } from '../harness/scenario.ts';
import { kubeRuleSet } from '../kube.ts';

export const counters: Scenario = {
  name: 'counters',
  about: 'the counters of every rule of a loaded kube-proxy rule set; what the real programs print is collected, not parsed',
  repetitions: 30,
  async prepare(size, tools) {
    const set = kubeRuleSet({ rules: size, endpoints: 5 });
    const ns = await PrivateNamespace.create();
    await ns.must('iptables-nft-restore', [], { input: set.text });
    await mustHold(ns, tools, set.rules, 'iptables-nft-restore');
    const ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } });

    const check = (found: number, who: string): void => {
      if (found !== set.rules) throw new Error(`${who}: counters of ${found} rules, ${set.rules} are right`);
    };
    const program = (file: string, ...args: string[]): Column => ({
      kind: 'exec',
      name: [file, ...args].join(' '),
      measure: async () => (await ns.must(file, args)).ms,
    });
    return {
      subject: `${set.rules} rules in ${set.chains} chains`,
      columns: [
        {
          kind: 'nflink',
          name: 'counters()',
          measure: async () => {
            const start = performance.now();
            const { length } = await ipt.counters();
            const ms = performance.now() - start;
            check(length, 'counters()');
            return ms;
          },
        },
        {
          kind: 'nflink',
          name: 'countersSync()',
          measure: async () => {
            const start = performance.now();
            const { length } = ipt.countersSync();
            const ms = performance.now() - start;
            check(length, 'countersSync()');
            return ms;
          },
        },
        program('iptables-nft-save', '-c'),
        program('nft', '-j', 'list', 'ruleset'),
        {
          kind: 'floor',
          name: 'one dump, thrown away',
          measure: async () => {
            const { ms, rules } = await floorDump(ns, tools, 1);
            check(rules, 'the floor');
            return ms;
          },
        },
      ],
      close: async () => {
        await ipt.close();
        await ns.close();
      },
    };
  },
};
