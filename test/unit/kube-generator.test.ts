// The generated rule sets are the same everywhere: benchmarks and the demo compare runs by them.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { kubeRuleSet } from '../../bench/kube.ts';
import { tablesOf } from '../support/fixtures.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

test('a rule set of about 10,000 rules is byte for byte what it always was', () => {
  const set = kubeRuleSet({ rules: 10_000, endpoints: 5 });
  assert.deepEqual([set.services, set.rules, set.chains], [580, 9997, 3501]);
  assert.equal(sha256(set.text), '82e16bb481592d37eae6cb1f871db3fbabcda2e8e016c0f143882eefb921c392');
});

test('options: counters, node ports, pod network', () => {
  const set = kubeRuleSet({ services: 40, endpoints: 13, nodePortEvery: 0, podCidr: '10.1.0.0/16', counters: true });
  assert.equal(sha256(set.text), '088da8689e98f2529d43a2d20f9d82a31f2689f04bec5930b294393c87194fb8');
});

test('the numbers say what the text holds', () => {
  const set = kubeRuleSet({ rules: 500, endpoints: 2 });
  const lines = [...tablesOf(set.text).values()].flat();
  assert.equal(lines.filter((line) => line.startsWith('-A ')).length, set.rules);
  assert.equal(lines.filter((line) => line.startsWith(':')).length, set.chains);
});
