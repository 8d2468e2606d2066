// Keys of rules: equal for rules that are the same as -C and -D compare them, and all of the rule that is printed. Judged by sameRule, and by what the
// real programs saved.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { readExpressions } from '../../../lib/iptables/compat/decode.ts';
import { ruleExpressions } from '../../../lib/iptables/compat/encode.ts';
import { CompatKeys } from '../../../lib/iptables/compat/rule-keys.ts';
import { type BytesContext, ValueError } from '../../../lib/iptables/extensions/codec.ts';
import { codecOfKernel } from '../../../lib/iptables/extensions/registry.ts';
import { LegacyKeys } from '../../../lib/iptables/legacy/rule-keys.ts';
import type { RuleSpec } from '../../../lib/iptables/rule-spec.ts';
import { parseRules, printRule } from '../../../lib/iptables/rule-text.ts';
import { foreignKey, isForeignKey, KeyWriter, ruleOfKey, specOfKey } from '../../../lib/iptables/sync/rule-key.ts';
import { sameRule } from '../../../lib/iptables/xt-compare.ts';
import { fromXt, revisionOf, toXt } from '../../../lib/iptables/xt-convert.ts';
import type { XtExtension, XtRule } from '../../../lib/iptables/xt-rule.ts';
import { type Backend, backends, type IpFamily, ipFamilies } from '../../support/iptables-programs.ts';
import { oracleCases } from '../../support/oracle.ts';
import { goodRules, mutant } from '../../support/rule-mutants.ts';

const MUTANTS_A_RULE = 2;
/** Revisions that an older kernel may have at most. */
const OLD = [0, 1, 2, 3, 4] as const;
const newest = (): number => Number.POSITIVE_INFINITY;

const keysOf = (backend: Backend, family: IpFamily): CompatKeys | LegacyKeys =>
  backend === 'nft' ? new CompatKeys(family) : new LegacyKeys(family);

/** The rule as the kernel holds it: on nf_tables it has become expressions. */
function held(rule: XtRule, backend: Backend): XtRule {
  return (backend === 'nft' ? readExpressions(rule.family, ruleExpressions(rule)) : undefined) ?? rule;
}

function specsOf(text: string, family: IpFamily): readonly RuleSpec[] {
  try {
    return parseRules(text, family).map(({ counter: _, ...spec }) => spec);
  } catch {
    return [];
  }
}

/** Of these nf_tables holds less than was written: one match for two, another rate. */
const LOST_IN_EXPRESSIONS = [
  '-p tcp -m tcp --dport 1 -m tcp --sport 2',
  '-p tcp -m tcp --sport 2 --dport 1',
  '-p tcp -m tcp --dport 1 -m tcp --tcp-flags ALL SYN',
  '-m limit --limit 86401/day',
  '-m limit --limit 1/sec',
];

/** Printed as 1/sec, which legacy tells apart. */
const ROUNDED = /--limit 86401\/day/;

interface Known {
  readonly text: string;
  readonly spec: RuleSpec;
  readonly rule: XtRule;
  readonly key: string;
}

/** The rules of the corpus, the recorded cases and the oracle, and of their mutants those that are rules. */
function rulesOf(t: TestContext, backend: Backend, family: IpFamily): readonly Known[] {
  const which = `${backend} ${family}`;
  const known = rulesKnown.get(which) ?? madeRules(t, backend, family);
  rulesKnown.set(which, known);
  return known;
}
const rulesKnown = new Map<string, readonly Known[]>();

function madeRules(t: TestContext, backend: Backend, family: IpFamily): readonly Known[] {
  const good = goodRules().filter((r) => r.family === family);
  const texts = new Set(good.map((r) => r.text));
  for (const text of LOST_IN_EXPRESSIONS) texts.add(text);
  for (const c of oracleCases(t) ?? []) if (c.family === family) texts.add(c.rule);
  for (const rule of good) for (let n = 0; n < MUTANTS_A_RULE; n++) texts.add(mutant(rule, n).text);
  const keys = keysOf(backend, family);
  const out: Known[] = [];
  for (const text of texts)
    for (const spec of specsOf(text, family)) {
      let rule: XtRule;
      try {
        rule = toXt(spec, keys.own, newest);
      } catch (err) {
        if (err instanceof ValueError) continue;
        throw err;
      }
      out.push({ text, spec, rule: held(rule, backend), key: keys.ofSpec(spec) });
    }
  return out;
}

/**
 * What two rules that are the same print differently: ranges of ports that `!` turns round and that reach to an end, which iptables 1.8.9 itself writes
 * as the range of the others.
 */
function withoutSilent(line: string): string {
  return line.replace(/! (--[sd]port) (\d+)(?::(\d+))?/g, (all, option: string, from: string, to = from) => {
    const [low, high] = [Number(from), Number(to)];
    if ((low === 0) === (high === 65535)) return all;
    const [first, last] = low === 0 ? [high + 1, 65535] : [0, low - 1];
    return first === last ? `${option} ${first}` : `${option} ${first}:${last}`;
  });
}

const extensionNames = ({ matches, target }: XtRule): string =>
  [...matches.map((m) => m.name), target === undefined ? '' : 'name' in target ? `-j ${target.name}` : target.verdict].join(' ');

for (const backend of backends)
  for (const family of ipFamilies)
    describe(`keys of rules on ${backend}, ${family}`, () => {
      it('are equal for the same rules and for no others', (t) => {
        const { own } = keysOf(backend, family);
        const classes = new Map<string, Known[]>();
        for (const known of rulesOf(t, backend, family)) classes.set(known.key, [...(classes.get(known.key) ?? []), known]);
        const wrong: string[] = [];
        const groups = new Map<string, Known[]>();
        let alike = 0;
        for (const [first, ...others] of classes.values() as Iterable<[Known, ...Known[]]>) {
          alike += others.length;
          for (const other of others) if (!sameRule(first.rule, other.rule, own)) wrong.push(`one key: ${first.text}\n  and ${other.text}`);
          // Rules whose extensions have other names are never the same.
          const names = extensionNames(first.rule);
          groups.set(names, [...(groups.get(names) ?? []), first]);
        }
        for (const group of groups.values())
          for (const [i, a] of group.entries())
            for (const b of group.slice(i + 1)) if (sameRule(a.rule, b.rule, own)) wrong.push(`two keys: ${a.text}\n  and ${b.text}`);
        t.diagnostic(`${classes.size} keys, ${alike} rules have one that another has too`);
        assert.deepEqual(wrong, []);
        assert.ok(classes.size > 500 && alike > 100);
      });

      it('print what the rule prints, but for the kinds named, and are keys of what they print', (t) => {
        const keys = keysOf(backend, family);
        const writer = new KeyWriter(keys.own, keys.own);
        const wrong: string[] = [];
        for (const { text, rule, key } of rulesOf(t, backend, family)) {
          if (writer.key(rule) !== key) wrong.push(`another key as the kernel holds it: ${text}`);
          const [printed, original] = [specOfKey(key, keys.own), fromXt(rule, keys.own)].map((spec) => printRule(spec, family)) as [
            string,
            string,
          ];
          if (isForeignKey(key) || !sameRule(ruleOfKey(key, family), rule, keys.own)) wrong.push(`another rule: ${text}`);
          // What no option can say has no words, in the rule and in its key alike.
          if (printed.includes('[unsupported') && printed === original) continue;
          if (withoutSilent(printed) !== withoutSilent(original)) wrong.push(`${original}\n  is printed ${printed}`);
          const [again, ...more] = specsOf(printed, family);
          if (again === undefined || more.length > 0) wrong.push(`no rule: ${printed}`);
          else if (keys.ofSpec(again) !== key && !ROUNDED.test(text)) wrong.push(`printed as another rule: ${text}\n  ${printed}`);
        }
        assert.deepEqual(wrong, []);
      });

      it('print what the real program saves', (t) => {
        const keys = keysOf(backend, family);
        const wrong: string[] = [];
        let compared = 0;
        for (const c of oracleCases(t) ?? []) {
          const { rc, saved, saved_1_8_9: older } = c[backend];
          if (c.family !== family || rc !== 0 || saved === undefined) continue;
          const lines = specsOf(c.rule, family).map((spec) =>
            `-A ${c.chain} ${withoutSilent(printRule(specOfKey(keys.ofSpec(spec), keys.own), family))}`.trimEnd(),
          );
          const wanted = [saved, older ?? saved].map(withoutSilent);
          if (!wanted.some((line) => lines.includes(line)))
            wrong.push(`${c.source}:${c.line} ${c.rule}: ${lines.join()} instead of ${saved}`);
          compared++;
        }
        assert.deepEqual(wrong, []);
        t.diagnostic(`${compared} cases`);
      });

      it('of rules in older revisions are those of the newest, where both say the same', (t) => {
        const keys = keysOf(backend, family);
        const writer = new KeyWriter(keys.own, keys.own);
        let older = 0;
        for (const { text, spec, rule, key } of rulesOf(t, backend, family))
          for (const revision of OLD) {
            let old: XtRule;
            try {
              old = held(
                toXt(spec, keys.own, () => revision),
                backend,
              );
            } catch (err) {
              if (err instanceof ValueError) continue;
              throw err;
            }
            const changed = old.matches.some((m, i) => m.revision !== rule.matches[i]?.revision);
            if (changed) older++;
            assert.equal(writer.key(old) === key, sameRule(old, rule, keys.own), `${text} in revision ${revision}`);
          }
        assert.ok(older > 200, `${older} rules with another revision`);
      });

      it("have nothing of what is the kernel's own", (t) => {
        const keys = keysOf(backend, family);
        const writer = new KeyWriter(keys.own, keys.own);
        let noted = 0;
        /** As a kernel may have it that notes there what it likes. */
        const withNotes = (kind: 'match' | 'target', e: XtExtension): XtExtension => {
          const found = revisionOf(codecOfKernel(kind, e.name, e.revision, e.data, family), e.revision, family);
          if (found?.kernelPrivate === undefined) return e;
          const data = e.data.slice();
          for (const [from, to] of found.kernelPrivate) data.fill(0xa5, from, to);
          noted++;
          return { ...e, data };
        };
        for (const { text, rule, key } of rulesOf(t, backend, family)) {
          const { target } = rule;
          const matches = rule.matches.map((m) => withNotes('match', m));
          const held =
            target !== undefined && 'name' in target ? { ...rule, matches, target: withNotes('target', target) } : { ...rule, matches };
          assert.equal(writer.key(held), key, text);
        }
        assert.ok(noted > 100, `${noted} structs`);
      });

      it('name sets, whatever numbers the kernel gives them', () => {
        const keys = keysOf(backend, family);
        const names = ['one', 'two'];
        /** As a kernel where other sets were made before. */
        const kernel = (offset: number): BytesContext => ({
          family,
          backend,
          setIndex: (name) => names.indexOf(name) + offset,
          setName: (index) => names[index - offset] ?? '',
        });
        const texts = names.flatMap((name) => [
          `-m set --match-set ${name} src`,
          `-m set ! --match-set ${name} src,dst --return-nomatch`,
          `-j SET --add-set ${name} src --exist`,
        ]);
        const seen = new Set<string>();
        for (const text of texts) {
          const [spec] = specsOf(text, family) as [RuleSpec];
          const key = keys.ofSpec(spec);
          seen.add(key);
          for (const offset of [0, 1, 40_000]) {
            const own = kernel(offset);
            assert.equal(new KeyWriter(own, keys.own).key(toXt(spec, own, newest)), key, `${text} from ${offset}`);
          }
          assert.equal(printRule(specOfKey(key, keys.own), family), text);
        }
        assert.equal(seen.size, texts.length);
      });

      it('of a rule that iptables has no words for are its own', () => {
        const keys = keysOf(backend, family);
        const empty = keys.ofSpec({});
        assert.notEqual(foreignKey('1'), foreignKey('2'));
        assert.ok(isForeignKey(foreignKey('1')) && !isForeignKey(empty));
        assert.deepEqual(specOfKey(empty, keys.own), {});
      });
    });
