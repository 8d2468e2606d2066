// What a connection knows of tables without reading them: chains that are renamed, nft's anonymous chains, plans that go through what has changed.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compile, Iptables, type Iptables as Opened } from '../../lib/index.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

async function onNft(fn: (ipt: Opened, ns: TestNamespace) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    await using ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: ns.path });
    await fn(ipt, ns);
  });
}
const table = (...lines: string[]): string => `*filter\n${lines.join('\n')}\nCOMMIT\n`;
const saved = async (ns: TestNamespace, chain: string): Promise<string> => String(await ns.must('iptables-nft', ['-S', chain]));

test('a rule that comes in the commit that renames the chain it jumps to', async () => {
  await onNft(async (ipt, ns) => {
    const X = { tables: ['filter'], chains: ['X'] };
    await ipt.sync(table(':X - [0:0]', ':A - [0:0]', '-A X -s 9.9.9.9/32 -j DROP'), { tables: ['filter'] });
    const mirror = await ipt.mirror({ tables: ['filter'] });
    const change = ['-I X -j A', '-E A B', '-I X -s 1.1.1.1/32 -j ACCEPT'];
    await ns.must('iptables-nft-restore', ['--noflush'], { input: table(...change) });
    assert.deepEqual(mirror.list('filter', 'X').map(String), ['-s 1.1.1.1/32 -j ACCEPT', '-j B', '-s 9.9.9.9/32 -j DROP']);
    await mirror.close();
    await ipt.sync(table(':X - [0:0]', '-A X -s 1.1.1.1/32 -j ACCEPT', '-A X -j B'), X);
    assert.equal(await saved(ns, 'X'), '-N X\n-A X -s 1.1.1.1/32 -j ACCEPT\n-A X -j B\n');
    const { kept } = await ipt.plan(table(':X - [0:0]', '-A X -s 1.1.1.1/32 -j ACCEPT', '-A X -j B'), X);
    assert.equal(kept, 2);
  });
});

test('an anonymous chain goes with its rule', async () => {
  await onNft(async (ipt, ns) => {
    const text = table(':A - [0:0]', '-A A -s 1.1.1.1/32 -j ACCEPT');
    await ipt.sync(text, { tables: ['filter'] });
    await ns.must('nft', ['add rule ip filter A jump { counter accept; }']);
    const plan = await ipt.plan(text, { tables: ['filter'] });
    assert.deepEqual([plan.removed, plan.kept, plan.chains.removed], [1, 1, []]);
    await plan.apply();
    assert.doesNotMatch(String(await ns.must('nft', ['list', 'ruleset'])), /__chain/);
    assert.ok((await ipt.plan(text, { tables: ['filter'] })).empty);
  });
});

test('a plan that goes through what has changed says the same in the same order', async () => {
  await onNft(async (ipt, ns) => {
    const text = compile(table(':A - [0:0]', '-A A -j ACCEPT'));
    const scope = { tables: ['filter'] };
    await ipt.sync(text, scope);
    for (const chain of ['X', 'Y']) await ns.must('iptables-nft', ['-N', chain]);
    const first = String(await ipt.plan(text, scope));
    await ns.must('iptables-nft', ['-A', 'Y', '-j', 'DROP']);
    await ns.must('iptables-nft', ['-F', 'Y']);
    assert.equal(String(await ipt.plan(text, scope)), first);
    assert.match(first, /-:X - \[0:0\]\n-:Y - \[0:0\]/);
  });
});

test('a watch sees the tables that are desired by now', async () => {
  await onNft(async (ipt, ns) => {
    const filter = table(':A - [0:0]', '-A A -j ACCEPT');
    const nat = `${filter}*nat\n:N - [0:0]\n-A N -j ACCEPT\nCOMMIT\n`;
    let desired = filter;
    const watch = ipt.watchDrift(() => desired, {}, { repair: true, minIntervalMs: 1 });
    const nextRepair = async (): Promise<void> => {
      for (;;) {
        const { value } = await watch.next();
        if (value === undefined || value.kind === 'repaired') return;
      }
    };
    await nextRepair();
    desired = nat;
    await ns.must('iptables-nft', ['-F', 'A']);
    await nextRepair();
    const again = nextRepair();
    await ns.must('iptables-nft', ['-t', 'nat', '-F', 'N']);
    await again;
    assert.match(String(await ns.must('iptables-nft', ['-t', 'nat', '-S', 'N'])), /-A N -j ACCEPT/);
    await watch.close();
  });
});
