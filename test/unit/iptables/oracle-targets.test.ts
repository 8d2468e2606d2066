// Targets against the netfilter project's own cases: which text is refused, what is printed, and the struct's bytes both ways.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { IpFamily } from '../../../lib/iptables/extensions/codec.ts';
import { codecOfKernel, codecs } from '../../../lib/iptables/extensions/registry.ts';
import { Struct } from '../../../lib/iptables/extensions/struct.ts';
import { formatRule, parseRule } from '../../../lib/iptables/rule-text.ts';
import { type Case, type Outcome, oracleCases } from '../../support/oracle.ts';
import { hex, newestRevision, read, targetOf, written } from './target-bytes.ts';

/** The targets the cases have none of. */
const WITHOUT_CASES = ['TRACE', 'CHECKSUM', 'CLUSTERIP', 'LED', 'ULOG', 'SET'];
const TARGETS = [...new Set(codecs.filter((c) => c.kind === 'target').map((c) => c.name))].filter((name) => !WITHOUT_CASES.includes(name));

function cases(t: TestContext, target: string): readonly Case[] {
  const all = oracleCases(t);
  if (all === undefined) return [];
  const named = new RegExp(`(^| )-j ${target}( |$)`);
  const found = all.filter((c) => c.legacy.supported_here && named.test(c.rule));
  assert.ok(found.length > 0, `no case of ${target}`);
  return found;
}
const title = (c: Case): string => `${c.source}:${c.line} ${c.family} ${c.rule}`;
/** What the parser of the real program refuses ends with 2; 1 and 4 are the kernel's refusals. */
const refusedByParser = (o: Outcome): boolean => o.rc === 2;

/** The target at the end of an ipt_entry or ip6t_entry (linux/netfilter_ipv4/ip_tables.h, linux/netfilter_ipv6/ip6_tables.h). */
function kernelTarget(family: IpFamily, entry: Uint8Array): { name: string; revision: number; data: Uint8Array } {
  const s = new Struct(entry);
  const offsets = family === 'ip' ? 88 : 140;
  const at = s.u16(offsets);
  // struct xt_entry_target: __u16 target_size; char name[29]; __u8 revision
  return { name: s.text(at + 2, 29), revision: s.u8(at + 31), data: s.copy(at + 32, s.u16(offsets + 2) - at - 32) };
}

for (const target of TARGETS) {
  test(`${target}: accepts and refuses what the real programs do, and prints what they save`, (t) => {
    for (const c of cases(t, target)) {
      if (refusedByParser(c.legacy) && refusedByParser(c.nft)) {
        assert.throws(() => parseRule(c.rule, c.family), { code: 'ERR_RULE_SYNTAX' }, title(c));
        continue;
      }
      const printed = `-A ${c.chain} ${formatRule(parseRule(c.rule, c.family), c.family)}`;
      const saved = [c.legacy, c.nft].flatMap((o) => [o.saved, o.saved_1_8_9]).filter((line) => line !== undefined);
      assert.ok(
        saved.length === 0 || saved.includes(printed),
        `${title(c)}\n  printed ${printed}\n  saved   ${saved.join('\n          ')}`,
      );
    }
  });

  test(`${target}: writes the bytes the real programs do, and reads them as the same options`, (t) => {
    for (const c of cases(t, target)) {
      if (c.legacy.xt_entry === undefined) continue;
      const kernel = kernelTarget(c.family, Buffer.from(c.legacy.xt_entry, 'hex'));
      assert.equal(codecOfKernel('target', kernel.name, kernel.revision, kernel.data, c.family)?.name, target, title(c));

      const { codec, options } = targetOf(parseRule(c.rule, c.family));
      assert.equal(codec.kernelName ?? codec.name, kernel.name, title(c));
      const revision = newestRevision(codec, options, c.family);
      assert.equal(revision.revision, kernel.revision, title(c));
      for (const [from, to] of revision.kernelPrivate ?? []) kernel.data.fill(0, from, to);
      // NFLOG's prefix is longer on nf_tables: its struct here is the kernel's with more room at the end.
      const own = written(revision, options, c.family);
      const room = own.subarray(kernel.data.length);
      assert.ok(room.every((byte) => byte === 0) || target === 'NFLOG', title(c));
      const same = own.slice(0, kernel.data.length);
      if (room.some((byte) => byte !== 0)) continue;
      assert.equal(hex(same), hex(kernel.data), title(c));
      assert.deepEqual(read(revision, kernel.data, c.family), options, title(c));
    }
  });
}
