// Rules as iptables-legacy 1.8.9 took, refused and saved them, with the entries it put into a kernel (recorded once, in
// test/fixtures/iptables/matches.jsonl): base options and every option of the matches nflink has.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpFamily } from '../../../lib/iptables/extensions/codec.ts';
import { codecOf } from '../../../lib/iptables/extensions/registry.ts';
import { formatRule, normalizeRule, parseRule, parseRules, printRule } from '../../../lib/iptables/rule-text.ts';
import { readFixture } from '../../support/fixtures.ts';
import { bytesContext, comparable, matchesOfEntry, readMatch, writeMatch } from './xt-entry.ts';

interface Recorded {
  readonly family: IpFamily;
  readonly args: readonly string[];
  readonly refused?: string;
  readonly kernelRefuses?: true;
  readonly saved?: string;
  readonly entry?: string;
}
const recorded = readFixture('iptables', 'matches.jsonl')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Recorded);
/** In the order they were made. */
const SETS = ['foo', 'foo2', 'foo6'];
const title = (r: Recorded): string => `${r.family} ${r.args.join(' ')}`;

test('what the real program refuses is refused', () => {
  for (const r of recorded) {
    if (r.refused === undefined) continue;
    assert.throws(() => parseRules(r.args, r.family), { code: 'ERR_RULE_SYNTAX' }, title(r));
  }
});

test('what the real program takes is taken and printed as it saves it', () => {
  for (const r of recorded) {
    if (r.refused !== undefined) continue;
    const [spec] = parseRules(r.args, r.family);
    assert.ok(spec !== undefined);
    const line = formatRule(spec, r.family);
    if (r.saved !== undefined) assert.equal(line, r.saved, title(r));
    // The saved line says the same rule, and a parsed rule is canonical already.
    const { counter: _unprinted, ...printed } = spec;
    // A mask that wasn't given is printed all the same, and given when that is read: the real program makes other bytes of it.
    const again = parseRule(line, r.family);
    if (line.includes('-m recent')) assert.equal(formatRule(again, r.family), line, title(r));
    else assert.deepEqual(again, printed, title(r));
    assert.deepEqual(normalizeRule(spec, r.family), spec, title(r));
    assert.equal(printRule(spec, r.family), line);
  }
});

test('the structs have the bytes of the real program, and read back as the same options', () => {
  let structs = 0;
  for (const r of recorded) {
    if (r.entry === undefined) continue;
    const [spec] = parseRules(r.args, r.family);
    const c = bytesContext(r.family, SETS);
    const matches = matchesOfEntry(Buffer.from(r.entry, 'hex'), r.family);
    assert.equal(matches.length, spec?.matches?.length ?? 0, title(r));
    for (const [i, match] of matches.entries()) {
      const options = spec?.matches?.[i] as { readonly name: string };
      const own = { ...match, data: writeMatch(options, match.revision, match.data.length, c) };
      assert.equal(comparable(own, r.family), comparable(match, r.family), title(r));
      assert.deepEqual(readMatch(match, c), options, title(r));
      structs++;
    }
  }
  assert.ok(structs > 100);
});

test('every revision that can say a rule reads back what it wrote', () => {
  const seen = new Set<string>();
  for (const r of recorded) {
    if (r.refused !== undefined) continue;
    const c = bytesContext(r.family, SETS);
    for (const match of parseRules(r.args, r.family)[0]?.matches ?? []) {
      const codec = codecOf('match', match.name, r.family);
      assert.ok(codec !== undefined);
      for (const { revision, family, size, can } of codec.revisions) {
        const { name, ...options } = match;
        if ((family ?? r.family) !== r.family || can?.(options) === false) continue;
        const data = writeMatch({ name, ...options }, revision, (size + 7) & ~7, c);
        assert.deepEqual(readMatch({ name: codec.kernelName ?? name, revision, data }, c), match, `${title(r)}: revision ${revision}`);
        seen.add(`${name} ${revision}`);
      }
    }
  }
  const all = [
    'addrtype 0',
    'conntrack 1',
    'conntrack 2',
    'iprange 0',
    'mark 0',
    'multiport 0',
    'recent 0',
    'set 0',
    'set 1',
    'set 2',
    'set 3',
    'state 2',
  ];
  for (const one of all) assert.ok(seen.has(one), one);
});
