// counters: the counters of every rule of a loaded rule set, on both backends, in many chains and in one.
import { Iptables, type NamedCounters } from 'nflink';
import { PrivateNamespace } from '../harness/namespace.ts';
import { entriesOf, floorDump, floorDumpChains, floorEntries, mustHold } from '../harness/real-rules.ts';
import type { Column, Scenario, Tools } from '../harness/scenario.ts';
import { kubeRuleSet } from '../kube.ts';
import { oneChainRules, oneChainText } from './one-chain.ts';

interface Loaded {
  readonly text: string;
  readonly rules: number;
  readonly subject: string;
}

function kube(size: number): Loaded {
  const set = kubeRuleSet({ rules: size, endpoints: 5 });
  return { text: set.text, rules: set.rules, subject: subjectOf(set) };
}
function subjectOf(set: { readonly rules: number; readonly chains: number }): string {
  return `${set.rules} rules in ${set.chains} chains`;
}

/** What a dump by chains can't help. */
function oneChain(size: number): Loaded {
  return { text: oneChainText('INPUT', oneChainRules(size)), rules: size, subject: `${size} rules in one chain` };
}

/** The calls of a service, with the number of rows they must have. */
function calls(ipt: Iptables, rules: number): Column[] {
  const check = (found: number, who: string): void => {
    if (found !== rules) throw new Error(`${who}: counters of ${found} rules, ${rules} are right`);
  };
  return [
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
  ];
}

function program(ns: PrivateNamespace, file: string, ...args: string[]): Column {
  return { kind: 'exec', name: [file, ...args].join(' '), measure: async () => (await ns.must(file, args)).ms };
}

function onNft(name: string, about: string, load: (size: number) => Loaded, floors: readonly Floor[]): Scenario {
  return {
    name,
    about,
    repetitions: 30,
    async prepare(size, tools) {
      const set = load(size);
      const ns = await PrivateNamespace.create();
      await ns.must('iptables-nft-restore', [], { input: set.text });
      await mustHold(ns, tools, set.rules, 'iptables-nft-restore');
      const ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } });
      return {
        subject: set.subject,
        columns: [
          ...calls(ipt, set.rules),
          program(ns, 'iptables-nft-save', '-c'),
          program(ns, 'nft', '-j', 'list', 'ruleset'),
          ...floors.map((floor): Column => ({ kind: 'floor', name: floor.name, measure: () => floor.measure(ns, tools, set.rules) })),
        ],
        close: async () => {
          await ipt.close();
          await ns.close();
        },
      };
    },
  };
}

interface Floor {
  readonly name: string;
  readonly measure: (ns: PrivateNamespace, tools: Tools, rules: number) => Promise<number>;
}
const whole: Floor = {
  name: 'one dump, thrown away',
  measure: async (ns, tools, rules) => right(await floorDump(ns, tools, 1), rules),
};
const byChain: Floor = {
  name: 'a dump a chain, thrown away',
  measure: async (ns, tools, rules) => right(await floorDumpChains(ns, tools, 1), rules),
};
function right(found: { readonly ms: number; readonly rules: number }, rules: number): number {
  if (found.rules !== rules) throw new Error(`the floor: ${found.rules} rules, ${rules} are right`);
  return found.ms;
}

export const counters: Scenario = onNft(
  'counters',
  'the counters of every rule of a loaded kube-proxy rule set; what the real programs print is collected, not parsed',
  kube,
  [byChain, whole],
);
export const countersOneChain: Scenario = onNft('counters-one-chain', 'the same of rules in one chain', oneChain, [whole]);

/** The tables of the kube-proxy rule set, and how many builtin chains they have. */
const TABLES = ['filter', 'nat'];
const BUILTIN = 7;

export const countersLegacy: Scenario = {
  name: 'counters-legacy',
  about: 'the same of the kube-proxy rule set in legacy tables',
  repetitions: 30,
  async prepare(size, tools) {
    const set = kubeRuleSet({ rules: size, endpoints: 5 });
    const entries = entriesOf(set, BUILTIN, TABLES.length);
    const ns = await PrivateNamespace.create();
    await ns.must('iptables-legacy-restore', [], { input: set.text });
    const read = async (warmUps: number): Promise<number> => {
      const found = await floorEntries(ns, tools, TABLES, warmUps);
      if (found.entries !== entries) throw new Error(`the kernel holds ${found.entries} entries, ${entries} are right`);
      return found.ms;
    };
    await read(0);
    const ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns: { pid: ns.pid } });
    const chains: NamedCounters<object> = await ipt.chainCounters();
    if (chains.length !== BUILTIN) throw new Error(`${chains.length} builtin chains of filter and nat, ${BUILTIN} are right`);
    return {
      subject: subjectOf(set),
      columns: [
        ...calls(ipt, set.rules),
        program(ns, 'iptables-legacy-save', '-c'),
        { kind: 'floor', name: 'GET_ENTRIES, thrown away', measure: () => read(1) },
      ],
      close: async () => {
        await ipt.close();
        await ns.close();
      },
    };
  },
};
