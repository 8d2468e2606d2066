// The benchmarks' floor does what nflink does: its prebuilt batch makes the very rules, and its dump sees them all.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileFloor } from '../../bench/harness/floor.ts';
import { recordRestore } from '../../bench/harness/record-batch.ts';
import { kubeRuleSet } from '../../bench/kube.ts';
import { tablesOf } from '../support/fixtures.ts';
import { cleanEnv, withNamespace } from '../support/namespace.ts';

test('a recorded batch, sent by the floor, loads the rule set; recording it sends nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-floor-'));
  try {
    await withNamespace(async (ns) => {
      const set = kubeRuleSet({ rules: 300 });
      const batch = join(folder, 'batch');
      writeFileSync(batch, recordRestore(set.text, { pid: ns.pid }));
      assert.equal(await ns.must('nft', ['list', 'ruleset']), '');

      const sent = JSON.parse(await ns.must(await compileFloor('send-batch', folder, cleanEnv()), [batch])) as { errors: number };
      assert.equal(sent.errors, 0);
      assert.deepEqual(tablesOf(await ns.must('iptables-nft-save')), tablesOf(set.text));

      const dumped = JSON.parse(await ns.must(await compileFloor('dump-rules', folder, cleanEnv()), ['1'])) as { rules: number };
      assert.equal(dumped.rules, set.rules);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
