// What libiptc would stumble over never reaches it: targets with chains' names, the kernel's own target, tables in layouts it cannot read,
// renames that its index does not survive.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withIptables } from '../support/iptables.ts';

const legacy = { backend: 'legacy' } as const;
const rules = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('-A '));

test('a target without options that has a chain’s name means the chain, as with the real program', async () => {
  for (const name of ['TRACE', 'LOG']) {
    const text = `*raw\n:${name} - [0:0]\n-A PREROUTING -j ${name}\n-A OUTPUT -s 1::/16 -j ${name}\nCOMMIT\n`;
    await withIptables(
      async (ipt, ns) => {
        await ipt.restore(text);
        const ours = rules(await ns.must('ip6tables-legacy-save', ['-t', 'raw']));
        await ns.must('ip6tables-legacy-restore', [], { input: text });
        assert.deepEqual(ours, rules(await ns.must('ip6tables-legacy-save', ['-t', 'raw'])));
        assert.equal(ours.length, 2);
        await ipt.delete('raw', 'PREROUTING', `-j ${name}`);
        assert.equal(await ipt.deleteIfExists('raw', 'PREROUTING', `-j ${name}`), false);
      },
      { ...legacy, family: 'ip6' },
    );
  }
});

test('a target with options that has a chain’s name is refused: libiptc would make a jump of it', async () => {
  await withIptables(async (ipt, ns) => {
    await ipt.restore('*mangle\n:MARK - [0:0]\nCOMMIT\n');
    const add = ipt.append('mangle', 'OUTPUT', '-j MARK --set-mark 5');
    await assert.rejects(add, { code: 'EINVAL', outcome: 'not-applied' });
    await ipt.newChain('mangle', 'FOO');
    const raw = { target: { name: 'FOO', revision: 0, data: new Uint8Array(8) } };
    await assert.rejects(ipt.append('mangle', 'OUTPUT', raw), { code: 'EINVAL', outcome: 'not-applied' });
    assert.deepEqual(rules(await ns.must('iptables-legacy-save')), []);
  }, legacy);
});

test('a target with the kernel’s own name ERROR is refused: it would read as the head of a chain', async () => {
  await withIptables(async (ipt, ns) => {
    const raw = { target: { name: 'ERROR', revision: 0, data: new Uint8Array(32) } };
    await assert.rejects(ipt.append('filter', 'INPUT', raw));
    await ipt.append('filter', 'INPUT', '-j ACCEPT');
    assert.deepEqual(rules(await ns.must('iptables-legacy-save')), ['-A INPUT -j ACCEPT']);
  }, legacy);
});

test('chains are renamed whatever their number', async () => {
  await withIptables(async (ipt, ns) => {
    const names = (prefix: string, n: number): string[] => Array.from({ length: n }, (_, i) => `chain-${prefix}-${i}`);
    const all = [...names('a', 40), ...names('b', 40), ...names('c', 1)];
    await ipt.restore(`*filter\n${all.map((n) => `:${n} - [0:0]\n`).join('')}COMMIT\n`);
    const tx = ipt.transaction('filter');
    for (const name of names('b', 40)) tx.renameChain(name, name.replace('-b-', '-d-'));
    await tx.commit();
    const more = ipt.transaction('filter');
    for (const name of names('d', 39)) more.deleteChain(name);
    more.renameChain('chain-c-0', 'chain-a-last');
    await more.commit();
    const left = (await ns.must('iptables-legacy', ['-S']))
      .split('\n')
      .filter((line) => line.startsWith('-N '))
      .map((line) => line.slice(3));
    assert.deepEqual(left.sort(), [...names('a', 40), 'chain-a-last', 'chain-d-39'].sort());
  }, legacy);
});

test('a chain that a text declares twice is refused, as by the real program', async () => {
  await withIptables(async (ipt, ns) => {
    const text = '*filter\n:Q - [0:0]\n-A Q -s 1.1.1.1\n:Q - [0:0]\nCOMMIT\n';
    await assert.rejects(ipt.restore(text), { code: 'EEXIST', outcome: 'not-applied' });
    assert.notEqual((await ns.run('iptables-legacy-restore', [], { input: text })).code, 0);
    await ipt.restore(text, { noflush: true });
    await ns.must('iptables-legacy-restore', ['--noflush'], { input: text });
  }, legacy);
});

test('a commit that the kernel refuses says not-applied, though the new rule has the size of the old', async () => {
  await withIptables(async (ipt, ns) => {
    await ipt.append('filter', 'FORWARD', '-j REJECT');
    const replaced = ipt.replace('filter', 'FORWARD', 1, '-j REJECT --reject-with tcp-reset');
    await assert.rejects(replaced, { code: 'EINVAL', outcome: 'not-applied' });
    assert.deepEqual(rules(await ns.must('iptables-legacy-save')), ['-A FORWARD -j REJECT --reject-with icmp-port-unreachable']);
  }, legacy);
});

test('a conditional deletion of a jump that no rule can make has nothing to do', async () => {
  await withIptables(async (ipt) => {
    await ipt.append('filter', 'INPUT', '-j ACCEPT');
    assert.equal(await ipt.deleteIfExists('filter', 'INPUT', '-j OUTPUT'), false);
    assert.equal(await ipt.exists('filter', 'INPUT', '-j OUTPUT'), false);
  }, legacy);
});

test('without /proc nothing is said of tables', async () => {
  await withIptables(async (ipt, ns) => {
    await ipt.append('filter', 'INPUT', '-j ACCEPT');
    const program = `
      import { Iptables } from ${JSON.stringify(new URL('../../lib/index.js', import.meta.url).href)};
      const open = Iptables.open({ family: 'ip', backend: 'legacy' });
      console.log(await open.then((ipt) => ipt.exists('filter', 'INPUT', '-j ACCEPT'), (err) => err.code));`;
    const shell = `mount -t tmpfs none /proc && exec ${process.execPath} --input-type=module -e "$PROGRAM"`;
    const printed = await ns.run('unshare', ['--mount', 'sh', '-c', shell], { env: { PROGRAM: program } });
    assert.match(printed.stdout, /^(ENOENT|ERR_|EACCES)/, printed.stderr);
  }, legacy);
});
