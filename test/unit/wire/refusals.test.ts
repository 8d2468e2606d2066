// What cannot be written is refused with the path of the word, and nothing of it stays in the writer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expressionTables } from '../../../lib/nftables/expressions/index.ts';
import { chainTable } from '../../../lib/nftables/objects/chain.ts';
import { ruleTable } from '../../../lib/nftables/objects/rule.ts';
import { tableTable } from '../../../lib/nftables/objects/table.ts';
import { EncodeError } from '../../../lib/wire/errors.ts';
import type { AttributeTable } from '../../../lib/wire/table.ts';
import { AttributeWriter } from '../../../lib/wire/writer.ts';
import { encoded, encodeExpression, expressionCase } from '../../support/wire-cases.ts';
import { propertiesOf } from '../../support/words.ts';

function refused(table: object, value: object, path: string, reason: RegExp): void {
  assert.throws(
    () => encoded(table as AttributeTable<object>, value),
    (err: unknown) => {
      assert.ok(err instanceof EncodeError, String(err));
      assert.equal(err.path, path);
      assert.match(err.reason, reason);
      assert.equal(err.message, path === '' ? err.reason : `${path}: ${err.reason}`);
      return true;
    },
  );
}

const counter = { type: 'counter', bytes: 0n, packets: 0n };
const rule = (...expressions: unknown[]): object => ({ expressions });

test('the path leads to the word', () => {
  refused(
    ruleTable,
    rule(counter, counter, { type: 'meta', key: 'l4prot', dreg: 1 }),
    'expressions[2].key',
    /unknown word "l4prot", one of len, protocol/,
  );
  refused(ruleTable, rule({ type: 'immediate', dreg: 0, data: { verdict: 'jmp' } }), 'expressions[0].data.verdict', /unknown word "jmp"/);
  refused(
    ruleTable,
    rule(counter, { type: 'immediate', dreg: 0, data: { verdict: 'jump', chain: 7 } }),
    'expressions[1].data.chain',
    /a string is needed, not 7/,
  );
  refused(ruleTable, rule({ type: 'cmp', sreg: 1, op: '==', data: 'x' }), 'expressions[0].data', /bytes are needed, not "x"/);
  refused(
    ruleTable,
    rule({ type: 'cmp', sreg: 1, op: '==', data: new Uint8Array(65) }),
    'expressions[0].data',
    /65 bytes, 1\.\.64 are allowed/,
  );
  refused(ruleTable, rule({ type: 'cmp', sreg: 1, op: '==', data: new Uint8Array(0) }), 'expressions[0].data', /0 bytes/);
  refused(ruleTable, rule({ type: 'no such' }), 'expressions[0].type', /no expression is named "no such", known are bitwise/);
  refused(ruleTable, rule('counter'), 'expressions[0]', /an expression \{ type, … \} is needed, not "counter"/);
  refused(ruleTable, rule(null), 'expressions[0]', /not null/);
  refused(ruleTable, { expressions: 'x' }, 'expressions', /a list is needed, not "x"/);
  refused(ruleTable, { compat: { proto: -1 } }, 'compat.proto', /-1 is outside 0\.\.4294967295/);
  refused(chainTable, { hook: { hooknum: 0, priority: 0, devs: ['a', 'x'.repeat(16)] } }, 'hook.devs[1]', /16 bytes, 15 are allowed/);
  refused(chainTable, { hook: 3 }, 'hook', /an object is needed, not 3/);
});

test('numbers: type and range', () => {
  for (const value of [1.5, Number.NaN, '1', 1n, null]) refused(tableTable, { use: value }, 'use', /an integer is needed/);
  for (const value of [-1, 0x100000000]) refused(tableTable, { use: value }, 'use', /is outside 0\.\.4294967295/);
  for (const value of [1, '1', null]) refused(tableTable, { handle: value }, 'handle', /a bigint is needed/);
  for (const value of [-1n, 1n << 64n]) refused(tableTable, { handle: value }, 'handle', /outside 0\.\.2\^64-1/);
  for (const value of [0x80000000, -0x80000001])
    refused(chainTable, { hook: { priority: value } }, 'hook.priority', /outside -2147483648\.\.2147483647/);
  refused(ruleTable, rule({ type: 'reject', kind: 'icmp', code: 256 }), 'expressions[0].code', /outside 0\.\.255/);
  refused(ruleTable, rule({ type: 'log', group: 65536 }), 'expressions[0].group', /outside 0\.\.65535/);
  refused(tableTable, { flags: ['dormnt'] }, 'flags', /unknown flag "dormnt", of dormant, owner, persist/);
  refused(tableTable, { flags: 'dormant' }, 'flags', /a list of flags is needed/);
  refused(tableTable, { flags: [-1] }, 'flags', /outside/);
});

test('words that every object inherits are no words of a table', () => {
  for (const word of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    refused(ruleTable, rule({ type: 'meta', key: word, dreg: 1 }), 'expressions[0].key', /unknown word/);
    refused(tableTable, { flags: [word] }, 'flags', /unknown flag/);
    refused(ruleTable, rule({ type: word }), 'expressions[0].type', /no expression is named/);
  }
});

test('a missing required attribute and an unknown property are named, for every expression', () => {
  let named = 0;
  for (const name of expressionTables.names) {
    const { example } = expressionCase(name);
    const properties = propertiesOf((v) => encodeExpression(v as never), example);
    refused(ruleTable, rule({ ...example, nonsense: 1 }), 'expressions[0].nonsense', /unknown property, one of /);
    let missing = 0;
    for (const key of properties) {
      try {
        encodeExpression({ ...example, [key]: undefined });
      } catch (err) {
        assert.ok(err instanceof EncodeError);
        assert.equal(err.message, `expressions[0].${key}: is missing`);
        missing++;
      }
    }
    named += missing;
  }
  assert.ok(named > 30, `${named} required attributes in all expressions`);
});

test('NUL in a name and a name that is too long', () => {
  refused(tableTable, { name: 'a\0b' }, 'name', /NUL/);
  refused(tableTable, { name: 'ä\0b' }, 'name', /NUL/);
  refused(tableTable, { name: 'a\0ä' }, 'name', /NUL/);
  refused(tableTable, { name: 'x'.repeat(256) }, 'name', /has 256 bytes, 255 are allowed/);
  refused(tableTable, { name: 'ä'.repeat(128) }, 'name', /has 256 bytes, 255 are allowed/);
  refused(tableTable, { name: 7 }, 'name', /a string is needed/);
  assert.equal(encoded(tableTable, { name: 'ä'.repeat(127) }).length, 4 + 256);
});

test('nothing above what an attribute can hold', () => {
  refused(
    ruleTable,
    rule({ type: 'match', name: 'm', rev: 0, info: new Uint8Array(0xfff1) }),
    'expressions[0].info',
    /65521 bytes, 0\.\.65520/,
  );
  // Each fits, the list of them doesn't.
  const wide = { type: 'match', name: 'm', rev: 0, info: new Uint8Array(40_000) };
  refused(ruleTable, rule(wide, wide), 'expressions', /bytes do not fit an attribute, whose length has 16 bits/);
  refused(tableTable, { unknown: [{ index: 0, type: 99, data: new Uint8Array(0x10000) }] }, '', /do not fit an attribute/);
});

test('a refused object leaves what was written before as it was', () => {
  const w = new AttributeWriter(16);
  tableTable.encode(w, { name: 'first' });
  const before = w.written().slice();
  assert.throws(() => ruleTable.encode(w, rule(counter, { type: 'meta', key: 'nonsense' }) as never), EncodeError);
  w.rewind(before.length);
  tableTable.encode(w, { name: 'b' });
  assert.equal(Buffer.compare(w.written(), Buffer.concat([before, encoded(tableTable, { name: 'b' })])), 0);
});
