// plan: planning alone, of rules that are known on both sides, and how it grows with their number.
import { type CompiledRuleset, compile, Iptables, type Plan } from 'nflink';
import { PrivateNamespace } from '../harness/namespace.ts';
import type { Scenario } from '../harness/scenario.ts';
import { CHANGES, KubeTexts, loaded, scope, warm } from './kube-sync.ts';
import { oneChainRules, oneChainText } from './one-chain.ts';

const CHAIN = 'SHUFFLED';

export const plan: Scenario = {
  name: 'plan',
  about: 'planSync() alone: nothing is sent but the question for the generation',
  repetitions: 15,
  growth: 'from 1k to 100k no more than 1.11, as n log n grows',
  async prepare(size) {
    const texts = new KubeTexts(size);
    const kube = await loaded('nft', texts);
    const iptOfKube = await warm('nft', kube, texts);
    const other = texts.compiled[texts.turn()] as CompiledRuleset;

    const ns = await PrivateNamespace.create();
    const rules = oneChainRules(size);
    await ns.must('iptables-nft-restore', [], { input: oneChainText(CHAIN, rules) });
    const ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } });
    const shuffled = compile(oneChainText(CHAIN, shuffle(rules)));
    await ipt.plan(shuffled);

    const timed = (make: () => Plan, check: (plan: Plan) => boolean): Promise<number> => {
      const start = performance.now();
      const plan = make();
      const ms = performance.now() - start;
      if (!check(plan)) throw new Error(`the plan: +${plan.added} -${plan.removed} ~${plan.moved} =${plan.kept}`);
      return Promise.resolve(ms);
    };
    const tenChanged = ({ added, removed, moved }: Plan): boolean => added === CHANGES && removed === CHANGES && moved === 0;
    return {
      subject: `${texts.set.rules} rules in ${texts.set.chains} chains; ${size} rules in one`,
      columns: [
        {
          kind: 'nflink',
          name: 'ten rules of kube-proxy changed',
          measure: () => timed(() => iptOfKube.planSync(other, scope), tenChanged),
        },
        {
          kind: 'nflink',
          name: 'the same of a new text, compiled before',
          measure: () => {
            const desired = compile(texts.unseen());
            return timed(() => iptOfKube.planSync(desired, scope), tenChanged);
          },
        },
        {
          kind: 'nflink',
          name: 'all rules of one chain in another order',
          measure: () =>
            timed(
              () => ipt.planSync(shuffled),
              (p) => p.kept + p.moved === size && p.added + p.removed === 0 && p.minimal,
            ),
        },
      ],
      close: async () => {
        await iptOfKube.close();
        await ipt.close();
        await kube.close();
        await ns.close();
      },
    };
  },
};

/** Always the same order for the same number of rules. */
function shuffle(rules: readonly string[]): string[] {
  const out = [...rules];
  let state = 1;
  for (let i = out.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [out[i], out[j]] = [out[j] as string, out[i] as string];
  }
  return out;
}
