// What a sync has sent is known by the keys it was sent by: only what was applied, and nothing that another commit of the same connection has sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Iptables, Iptables as Opened } from '../../lib/index.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

const chain = (...rules: string[]): string => `*filter\n:X - [0:0]\n${rules.map((rule) => `-A X ${rule}\n`).join('')}COMMIT\n`;
const scope = { tables: ['filter'], chains: ['X'] };
const A = chain('-s 10.0.0.1/32 -j DROP', '-s 10.0.0.2/32 -j DROP');
const B = chain('-s 10.0.0.66/32 -j ACCEPT', '-s 10.0.0.67/32 -j ACCEPT');

async function onNft(fn: (ipt: Iptables, ns: TestNamespace) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    await using ipt = await Opened.open({ family: 'ip', backend: 'nft', netns: ns.path });
    await fn(ipt, ns);
  });
}
/** By the real program. */
async function rulesOf(ns: TestNamespace): Promise<string> {
  return String(await ns.must('iptables-nft', ['-S', 'X'])).replace('-N X\n', '');
}
const lines = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.startsWith('-A'))
    .join('\n')
    .concat('\n');

test('a plan that has grown old takes no other sync for its own', async () => {
  await onNft(async (ipt, ns) => {
    await ipt.sync(chain(), scope);
    const plan = await ipt.plan(A, scope);
    await ipt.sync(B, scope);
    await plan.apply();
    assert.equal(await rulesOf(ns), lines(A));
    assert.ok((await ipt.plan(A, scope)).empty);
  });
});

test('nor another verb', async () => {
  await onNft(async (ipt, ns) => {
    await ipt.sync(chain(), scope);
    const plan = await ipt.plan(chain('-s 10.0.0.1/32 -j DROP'), scope);
    await ipt.append('filter', 'X', '-s 10.0.0.66 -j ACCEPT');
    await plan.apply();
    assert.equal(await rulesOf(ns), '-A X -s 10.0.0.1/32 -j DROP\n');
  });
});

test('what was refused is not taken for what comes next', async () => {
  await onNft(async (ipt, ns) => {
    await ipt.sync(chain(), scope);
    await assert.rejects(ipt.sync(chain('-s 10.0.0.1/32 -j DROP', '-j NOWHERE'), scope), { code: 'ENOENT' });
    await ipt.append('filter', 'X', '-s 10.0.0.66 -j ACCEPT');
    await ipt.sync(chain('-s 10.0.0.1/32 -j DROP'), scope);
    assert.equal(await rulesOf(ns), '-A X -s 10.0.0.1/32 -j DROP\n');
  });
});

test('a set that has taken the number of another is another', async () => {
  await onNft(async (ipt, ns) => {
    await ns.must('ipset', ['create', 'a', 'hash:ip']);
    await ipt.sync(chain('-m set --match-set a src -j DROP'), scope);
    await ipt.plan(A, scope);
    await ns.must('iptables-nft', ['-F', 'X']);
    await ns.must('ipset', ['destroy', 'a']);
    await ns.must('ipset', ['create', 'b', 'hash:ip']);
    await ns.must('ipset', ['create', 'a', 'hash:ip']);
    await ns.must('iptables-nft', ['-A', 'X', '-m', 'set', '--match-set', 'b', 'src', '-j', 'DROP']);
    // Another table: all are read anew.
    const both = `${chain('-m set --match-set a src -j DROP')}*mangle\n:Y - [0:0]\nCOMMIT\n`;
    await ipt.sync(both, { tables: ['filter', 'mangle'], chains: ['X', 'Y'] });
    assert.equal(await rulesOf(ns), '-A X -m set --match-set a src -j DROP\n');
  });
});
