// The benchmarks' floor does what nflink does: its prebuilt batch makes the very rules, and its dump sees them all.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileFloor } from '../../bench/harness/floor.ts';
import { entriesOf } from '../../bench/harness/real-rules.ts';
import { recordRestore } from '../../bench/harness/record-batch.ts';
import { kubeRuleSet } from '../../bench/kube.ts';
import { tablesOf } from '../support/fixtures.ts';
import { cleanEnv, withNamespace } from '../support/namespace.ts';

test('the floor of legacy tables reads every entry of the rule set', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-floor-'));
  try {
    await withNamespace(async (ns) => {
      const set = kubeRuleSet({ rules: 300 });
      ns.mustSync('iptables-legacy-restore', [], { input: set.text });
      const program = await compileFloor('get-entries', folder, cleanEnv());
      const { entries } = JSON.parse(await ns.must(program, ['0', 'filter', 'nat'])) as { entries: number };
      assert.equal(entries, entriesOf(set, 7, 2));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

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
