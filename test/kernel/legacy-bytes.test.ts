// Rules that nflink cannot say, or would say by another revision, stay byte for byte when it writes the table, and go in again as they came out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { RuleContext } from '../../lib/iptables/context.ts';
import { NOT_CHECKED } from '../../lib/iptables/legacy/commit.ts';
import { lockPath } from '../../lib/iptables/legacy/requests.ts';
import { legacyRevisions } from '../../lib/iptables/legacy/revisions.ts';
import { CommandWriter } from '../../lib/iptables/legacy/wire.ts';
import type { XtRule } from '../../lib/iptables/xt-rule.ts';
import { XT_CREATE } from '../../lib/native.ts';
import { runSync } from '../../lib/run.ts';
import { withIptables } from '../support/iptables.ts';
import { Programs } from '../support/iptables-programs.ts';
import type { TestNamespace } from '../support/namespace.ts';
import { rawTable } from '../support/raw-table.ts';

const programs = new Programs('legacy', 'ip');
const legacy = { backend: 'legacy' } as const;

/** Appends a rule whose structs are given as bytes, of whatever revision. */
function appendRaw(ns: TestNamespace, table: string, chain: string, rule: XtRule): void {
  const connection = runSync(Connection.open(ns.path));
  try {
    const context = new RuleContext(connection, 'ip', 'legacy', legacyRevisions(connection, 'ip'));
    const writer = new CommandWriter(context.bytes(), 1);
    writer.push('append', { chain, rule });
    const reply = runSync(
      connection.on(
        'batch',
        'raw rule',
        (c) => c.xtCommitSync(XT_CREATE, table, lockPath(), writer.words, writer.bytes, NOT_CHECKED),
        (c) => c.xtCommit(XT_CREATE, table, lockPath(), writer.words, writer.bytes, NOT_CHECKED),
      ),
    );
    assert.deepEqual([reply.failure, reply.refusal], [undefined, undefined]);
  } finally {
    connection.closeSync();
  }
}

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const u32 = (...values: readonly number[]): Uint8Array => new Uint8Array(Uint32Array.from(values).buffer);

/** Revisions that the kernel has and the programs no longer know. */
const old: readonly (readonly [what: string, rule: Pick<XtRule, 'matches' | 'target'>, text: readonly (readonly string[])[]])[] = [
  [
    'addrtype revision 0',
    // struct ipt_addrtype_info: __u16 source, dest; __u32 invert_source, invert_dest.
    { matches: [{ name: 'addrtype', revision: 0, data: bytes(0, 0, 4, 0, ...u32(0, 0)) }], target: { verdict: 'drop' } },
    [['-m', 'addrtype', '--dst-type', 'LOCAL', '-j', 'DROP']],
  ],
  // struct xt_NFQ_info: __u16 queuenum.
  ['NFQUEUE revision 0', { matches: [], target: { name: 'NFQUEUE', revision: 0, data: bytes(5, 0) } }, []],
  // struct xt_NFQ_info_v1: __u16 queuenum, queues_total.
  ['NFQUEUE revision 1', { matches: [], target: { name: 'NFQUEUE', revision: 1, data: bytes(5, 0, 2, 0) } }, []],
];

/** Beside them go rules that the real program writes, of extensions common and rare. */
const others: readonly (readonly string[])[] = [
  ['-m', 'string', '--algo', 'bm', '--string', 'foo bar', '-j', 'DROP'],
  ['-m', 'u32', '--u32', '0>>22&0x3C@12>>26=0x10', '-j', 'DROP'],
  ['-m', 'time', '--timestart', '01:00', '--timestop', '02:00', '-j', 'DROP'],
  ['-m', 'quota', '--quota', '12345', '-j', 'RETURN'],
  ['-m', 'connbytes', '--connbytes', '1:2', '--connbytes-dir', 'both', '--connbytes-mode', 'bytes', '-j', 'RETURN'],
  ['-m', 'hashlimit', '--hashlimit-above', '10/sec', '--hashlimit-name', 'h', '-j', 'DROP'],
  ['-m', 'owner', '--uid-owner', '0-5', '-j', 'RETURN'],
  ['-m', 'statistic', '--mode', 'nth', '--every', '3', '--packet', '1', '-j', 'RETURN'],
  ['-p', 'tcp', '--syn', '-j', 'TCPMSS', '--clamp-mss-to-pmtu'],
  ['-j', 'CONNMARK', '--save-mark'],
  ['-j', 'CLASSIFY', '--set-class', '1:2'],
];

/** The entries of a chain, counters too, as hex. A rule without target would hold its place in the table: these have one. */
function entries(ns: TestNamespace, table: string, chain: string): readonly string[] {
  return rawTable(ns, table, { counters: true })?.find((c) => c.name === chain)?.entries ?? [];
}

describe('a rule of an old revision', () => {
  for (const [what, rule, text] of old) {
    it(`${what}: stays when others are added, and is deleted by its number`, async () => {
      await withIptables(async (ipt, ns) => {
        appendRaw(ns, 'mangle', 'POSTROUTING', { family: 'ip', ...rule, counter: { packets: 7n, bytes: 8n } });
        const [before] = entries(ns, 'mangle', 'POSTROUTING');
        assert.ok(before !== undefined);
        const real = await programs.save(ns, '-t', 'mangle');
        assert.match(real, /\[unsupported revision\]/, 'the real program does not know it');
        await ipt.insert('mangle', 'POSTROUTING', 1, '-p udp -j RETURN');
        await ipt.append('mangle', 'INPUT', '-j RETURN');
        await ipt.newChain('mangle', 'X');
        assert.equal(entries(ns, 'mangle', 'POSTROUTING')[1], before);
        const [, installed] = await ipt.list('mangle', 'POSTROUTING');
        assert.ok(installed !== undefined);
        assert.deepEqual(installed.counter, { packets: 7n, bytes: 8n });
        // Legacy rules are compared by their bytes: a text, which means the newest revision, is another rule to either side.
        for (const words of text) {
          assert.equal((await programs.run(ns, '-t', 'mangle', '-C', 'POSTROUTING', ...words)).code, 1);
          assert.equal(await ipt.exists('mangle', 'POSTROUTING', words), false);
        }
        await ipt.deleteAt('mangle', 'POSTROUTING', 2);
        assert.deepEqual((await ipt.list('mangle', 'POSTROUTING')).map(String), ['-p udp -j RETURN']);
      }, legacy);
    });
  }
});

describe('a rule of an extension', () => {
  for (const words of others) {
    it(`${words.join(' ')}: stays when others are added, and goes in again as it came out`, async () => {
      await withIptables(async (ipt, ns) => {
        await programs.must(ns, '-t', 'mangle', '-A', 'POSTROUTING', ...words);
        const [before] = entries(ns, 'mangle', 'POSTROUTING');
        assert.ok(before !== undefined);
        await ipt.insert('mangle', 'POSTROUTING', 1, '-p udp -j RETURN');
        await ipt.append('mangle', 'POSTROUTING', '-p tcp -j RETURN');
        assert.equal(entries(ns, 'mangle', 'POSTROUTING')[1], before);
        const [, installed] = await ipt.list('mangle', 'POSTROUTING');
        assert.ok(installed !== undefined);
        assert.equal(await ipt.exists('mangle', 'POSTROUTING', installed), true);
        await ipt.append('mangle', 'POSTROUTING', installed);
        assert.equal(entries(ns, 'mangle', 'POSTROUTING')[3], before, 'the copy');
        await ipt.delete('mangle', 'POSTROUTING', installed);
        await ipt.delete('mangle', 'POSTROUTING', installed);
        assert.equal(entries(ns, 'mangle', 'POSTROUTING').length, 2);
        assert.equal((await programs.run(ns, '-t', 'mangle', '-C', 'POSTROUTING', ...words)).code, 1);
      }, legacy);
    });
  }
});
