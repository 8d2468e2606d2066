// What the real nft writes, nflink reads without an `unknown` and writes again as the same attributes: every expression that
// nft has, and the words of their enums.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import type { Expression } from '../../lib/index.ts';
import type { Family } from '../../lib/model/ruleset.ts';
import { acceptable } from '../../lib/nftables/expressions/acceptable.ts';
import type { AnyExpression } from '../../lib/nftables/expressions/expression.ts';
import { expressionTables } from '../../lib/nftables/expressions/index.ts';
import { type RuleAttributes, ruleTable } from '../../lib/nftables/objects/rule.ts';
import { addRule, dumpedRules, filled } from '../support/expression-kernel.ts';
import { type RunResult, withNamespace } from '../support/namespace.ts';
import { chains, nftStatements } from '../support/nft-statements.ts';
import { rawRules } from '../support/raw-dump.ts';
import { assertSameAttributes } from '../support/same-attributes.ts';
import { encoded, encodeExpression, expressionCase } from '../support/wire-cases.ts';
import { propertiesOf, wordsOf } from '../support/words.ts';

interface Statement {
  readonly text: string;
  readonly attributes: Uint8Array;
  readonly rule: RuleAttributes;
}
const statements: Statement[] = [];

before(async () => {
  for (const [family, { objects, statements: byChain }] of Object.entries(nftStatements)) {
    await withNamespace((ns) => {
      const lists = Object.entries(byChain);
      const body = lists.map(([chain, list]) => `chain ${chain} { ${chains[chain]}\n${list.join('\n')}\n}`).join('\n');
      const done: RunResult = ns.runSync('nft', ['-f', '-'], { input: `table ${family} t {\n${objects}\n${body}\n}\n` });
      assert.equal(done.code, 0, `nft refused statements of family ${family}: ${done.stderr}`);
      const texts = lists.flatMap(([chain, list]) => list.map((text) => `${family} ${chain} ${text}`));
      const rules = rawRules(ns.path, { counters: true });
      assert.equal(rules.length, texts.length);
      for (const [i, { attributes }] of rules.entries()) {
        const bytes = new Uint8Array(Buffer.from(attributes, 'hex'));
        const rule = ruleTable.decode(bytes, 0, bytes.length);
        assert.ok(rule !== undefined);
        statements.push({ text: texts[i] as string, attributes: bytes, rule });
      }
    });
  }
});

/** Every object inside a value that came from a table. */
function* objectsIn(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if (!Array.isArray(value)) yield value as Readonly<Record<string, unknown>>;
  for (const inner of Object.values(value)) yield* objectsIn(inner);
}

test('nothing that nft writes is unknown', () => {
  for (const { text, rule } of statements) {
    for (const o of objectsIn(rule)) {
      assert.notEqual(o['type'], 'unknown', `${text}: the expression ${String(o['name'])}`);
      assert.equal(o['unknown'], undefined, `${text}: an attribute of ${String(o['type'])}`);
    }
  }
});

test('what nft writes is written again as the same attributes', () => {
  for (const { text, attributes, rule } of statements) assertSameAttributes(encoded(ruleTable, rule), attributes, text);
});

/** Expressions and words that no statement has, with the reason. They are tested in expressions.test.ts where this kernel has them. */
// biome-ignore format: a line holds what has one reason
const notMet: readonly (readonly [reason: string, ...words: string[]])[] = [
  ['nft 1.0.6 has no such statement',
    'inner', 'inner kind vxlan', 'inner kind geneve', 'inner flags hdrsize', 'inner flags ll', 'inner flags nh', 'inner flags th',
    'payload base tunnel', 'last', 'exthdr op dccp option', 'meta key broute', 'meta key ibrhwaddr',
    'bitwise op and', 'bitwise op or', 'bitwise op xor', 'byteorder op ntoh',
    'tunnel', 'tunnel key path', 'tunnel key id', 'tunnel mode none', 'tunnel mode rx', 'tunnel mode tx'],
  ['nft 1.0.6 writes it in another way', 'range op ==', 'log flags nflog', 'synproxy flags ecn',
    'masq flags map-ips', 'masq flags proto-offset', 'masq flags netmap', 'nat flags proto-offset',
    'redir flags map-ips', 'redir flags fully-random', 'redir flags proto-offset', 'redir flags netmap'],
  ['the kernel takes it and never dumps it', 'dynset flags inv', 'dynset flags expr'],
  ['xtables extensions are written by iptables-nft', 'match', 'target'],
  ['this kernel has no nfnetlink_queue and no flow tables', 'queue', 'queue flags bypass', 'queue flags fanout', 'flow_offload'],
  ['this kernel has no nft_meta_bridge', 'meta key ibrname', 'meta key obrname', 'meta key ibrpvid', 'meta key ibrvproto'],
  ['objects that nft 1.0.6 or this kernel cannot make', 'objref kind connlimit', 'objref kind tunnel', 'objref kind secmark'],
  ['it needs a cgroup of that name', 'socket key cgroupv2'],
];

test('the statements use every expression and every word, but for those that nft 1.0.6 or this kernel has not', () => {
  const met = new Set<string>();
  for (const { rule } of statements) {
    for (const e of objectsIn(rule.expressions)) {
      if (typeof e['type'] !== 'string') continue;
      met.add(e['type']);
      for (const [key, value] of Object.entries(e))
        for (const word of Array.isArray(value) ? value : [value]) met.add(`${e['type']} ${key} ${String(word)}`);
    }
  }
  const expected: string[] = [];
  for (const name of expressionTables.names) {
    const example = expressionCase(name).example;
    const encode = (v: Readonly<Record<string, unknown>>): unknown => encodeExpression(v as AnyExpression);
    expected.push(name);
    for (const key of propertiesOf(encode, example))
      for (const word of wordsOf(encode, example, key)?.words ?? []) expected.push(`${name} ${key} ${word}`);
  }
  assert.deepEqual(expected.filter((word) => !met.has(word)).sort(), notMet.flatMap(([, ...words]) => words).sort());
});

test('what nft wrote can be added again as it was read, and is dumped as before', async () => {
  // Sets that came with the statement.
  const anonymous = (e: AnyExpression): boolean => typeof e['set'] === 'string' && /^__|^m1$/.test(e['set']);
  for (const family of Object.keys(nftStatements) as Family[]) {
    await using f = await filled(family);
    const mine = statements.filter(({ text, rule }) => text.startsWith(`${family} `) && rule.expressions?.some(anonymous) !== true);
    const refused: string[] = [];
    const added = mine.filter(({ text, rule }) => {
      const tx = f.nft.transaction();
      addRule(tx, family, rule.chain as string, (rule.expressions ?? []).map(acceptable) as Expression[]);
      try {
        tx.commitSync();
        return true;
      } catch (err) {
        refused.push(`${text}: ${String(err)}`);
        return false;
      }
    });
    assert.deepEqual(refused, []);
    const rules = dumpedRules(f.ns);
    const byChain = (chain: unknown): readonly unknown[] => rules.filter((r) => r.chain === chain).map((r) => r.read);
    for (const chain of new Set(added.map(({ rule }) => rule.chain)))
      assert.deepEqual(
        byChain(chain),
        added.filter(({ rule }) => rule.chain === chain).map(({ rule }) => rule.expressions),
      );
  }
});
