// exists: whether a rule is there, asked of a mirror, of the kernel, and of the real program.
import { Iptables, parseRule, type RuleInput } from 'nflink';
import { PrivateNamespace } from '../harness/namespace.ts';
import type { Column, Scenario } from '../harness/scenario.ts';
import { oneChainRules, oneChainText } from './one-chain.ts';

const CHAIN = 'INPUT';
/** Different rules that are asked for in turns, from everywhere in the chain. */
const ASKED = 500;
/** A single lookup is too short to be timed. */
const LOOKUPS = 5000;

export const exists: Scenario = {
  name: 'exists',
  about: 'whether a rule is in a chain of so many rules; the mirror: one of 5,000 lookups in a row',
  repetitions: 15,
  async prepare(size) {
    const rules = oneChainRules(size);
    const ns = await PrivateNamespace.create();
    await ns.must('iptables-nft-restore', [], { input: oneChainText(CHAIN, rules) });
    const ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } });
    const mirror = await ipt.mirror({ tables: ['filter'] });
    const texts = Array.from({ length: ASKED }, (_, i) => rules[Math.floor((i * rules.length) / ASKED)] as string);
    if (mirror.exists('filter', CHAIN, '-s 11.0.0.1/32 -j ACCEPT')) throw new Error('the mirror has a rule that is not there');
    const lookups = (name: string, asked: readonly RuleInput[]): Column => ({
      kind: 'nflink',
      name,
      measure: async () => {
        let found = 0;
        const start = performance.now();
        for (let i = 0; i < LOOKUPS; i++) if (mirror.exists('filter', CHAIN, asked[i % asked.length] as RuleInput)) found++;
        const ms = performance.now() - start;
        if (found !== LOOKUPS) throw new Error(`${name}: ${found} of ${LOOKUPS} rules found`);
        return ms / LOOKUPS;
      },
    });
    let turn = 0;
    const next = (): string => texts[(turn++ * 37) % texts.length] as string;
    return {
      subject: `a chain of ${size} rules`,
      columns: [
        lookups('mirror.exists(text)', texts),
        lookups(
          'mirror.exists(parsed rule)',
          texts.map((text) => parseRule(text)),
        ),
        {
          kind: 'nflink',
          name: 'Iptables.exists(text)',
          measure: async () => {
            const start = performance.now();
            const found = await ipt.exists('filter', CHAIN, next());
            const ms = performance.now() - start;
            if (!found) throw new Error('Iptables.exists: not found');
            return ms;
          },
        },
        {
          kind: 'exec',
          name: 'iptables-nft -C',
          measure: async () => (await ns.must('iptables-nft', ['-C', CHAIN, ...next().split(' ')])).ms,
        },
      ],
      close: async () => {
        await mirror.close();
        await ipt.close();
        await ns.close();
      },
    };
  },
};
