// The benchmarks' floor does what nflink does: its prebuilt batch makes the very rules, and its dump sees them all.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { compileFloor } from '../../bench/harness/floor.ts';
import { entriesOf } from '../../bench/harness/real-rules.ts';
import { recordLegacySync, recordRestore, recordSync } from '../../bench/harness/record-batch.ts';
import { kubeRuleSet } from '../../bench/kube.ts';
import { changedKube } from '../../bench/kube-changes.ts';
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

const scope = { tables: ['filter', 'nat'], chains: /^KUBE-/ };

test('a recorded sync, sent by the floor, makes the changes, again and again; recording it sends nothing', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-floor-'));
  try {
    await withNamespace(async (ns) => {
      const set = kubeRuleSet({ rules: 300 });
      ns.mustSync('iptables-nft-restore', [], { input: set.text });
      const batch = join(folder, 'batch');
      const send = await compileFloor('send-batch', folder, cleanEnv());
      for (const version of [0, 1]) {
        const text = changedKube(set.text, 10, version);
        const before = await ns.must('iptables-nft-save');
        writeFileSync(batch, recordSync(text, scope, { pid: ns.pid }));
        assert.deepEqual(tablesOf(await ns.must('iptables-nft-save')), tablesOf(before));
        const { errors } = JSON.parse(await ns.must(send, [batch])) as { errors: number };
        assert.equal(errors, 0);
        assert.deepEqual(rulesInUserChains(await ns.must('iptables-nft-save')), rulesInUserChains(text));
      }
      // It was for another state.
      assert.equal((JSON.parse(await ns.must(send, [batch])) as { errors: number }).errors, 1);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('the commands of a recorded sync of a legacy table, done by the floor, make the changes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-floor-'));
  try {
    await withNamespace(async (ns) => {
      const set = kubeRuleSet({ rules: 300 });
      ns.mustSync('iptables-legacy-restore', [], { input: set.text });
      const commands = join(folder, 'commands');
      const program = await compileFloor('change-table', folder, cleanEnv());
      for (const version of [0, 1]) {
        const text = changedKube(set.text, 10, version);
        const { table, file } = recordLegacySync(text, scope, { pid: ns.pid });
        assert.equal(table, 'nat');
        writeFileSync(commands, file);
        await ns.must(program, [commands, table, 'filter', 'nat']);
        const saved = (await ns.must('iptables-legacy-save', ['-t', 'filter'])) + (await ns.must('iptables-legacy-save', ['-t', 'nat']));
        assert.deepEqual(rulesInUserChains(saved), rulesInUserChains(text));
      }
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function rulesInUserChains(saved: string): string[] {
  return saved.split('\n').filter((line) => line.startsWith('-A KUBE-'));
}
