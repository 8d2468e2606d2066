// Every rule of the corpus is printed as it is written.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRule, parseRule } from '../../../lib/iptables/rule-text.ts';
import { fragmentNames, hostNames, ruleSet } from '../../support/fixtures.ts';

for (const name of [...hostNames, ...fragmentNames]) {
  test(`${name}: each line is parsed and printed alike`, () => {
    let rules = 0;
    for (const line of ruleSet(name).split('\n')) {
      const parts = /^(?:\[\d+:\d+\] )?-A \S+ ?(.*)$/.exec(line);
      if (parts === null) continue;
      const text = parts[1] as string;
      assert.equal(formatRule(parseRule(text)), text);
      rules++;
    }
    assert.ok(rules > 0);
  });
}
