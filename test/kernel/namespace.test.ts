// The tests' own ground: namespaces are private, apart from each other, and the initial one is refused.
import assert from 'node:assert/strict';
import { existsSync, readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { assertPrivate, TestNamespace, withNamespace } from '../support/namespace.ts';

test('the initial namespace is refused', () => {
  assert.throws(() => assertPrivate(readlinkSync('/proc/self/ns/net')), /REFUSED: this process is in the initial network namespace/);
});

test('tests run in a private namespace', () => {
  assertPrivate();
});

test('what is written in one namespace is not in another', async () => {
  await withNamespace(async (a) => {
    await using b = await TestNamespace.create();
    assert.equal(new Set([a.id, b.id, readlinkSync('/proc/self/ns/net')]).size, 3);
    await a.must('nft', ['-f', '-'], { input: 'table ip only_a {\n}\n' });
    assert.match(a.mustSync('nft', ['list', 'ruleset']), /table ip only_a/);
    assert.equal(await b.must('nft', ['list', 'ruleset']), '');
  });
});

test('a program that fails tells its exit code and its words', async () => {
  await withNamespace(async (ns) => {
    const result = await ns.run('nft', ['list', 'table', 'ip', 'nowhere']);
    assert.equal(result.code, 1);
    assert.match(result.stderr, /No such file or directory/);
    assert.deepEqual(ns.runSync('nft', ['list', 'table', 'ip', 'nowhere']), result);
    await assert.rejects(ns.must('nft', ['list', 'table', 'ip', 'nowhere']), /exit code 1\n.*No such file/);
  });
});

test('loopback comes up on demand', async () => {
  await withNamespace((ns) => {
    assert.doesNotMatch(ns.mustSync('ip', ['-br', 'addr', 'show', 'lo']), /127\.0\.0\.1/);
    ns.up();
    assert.match(ns.mustSync('ip', ['-br', 'addr', 'show', 'lo']), /127\.0\.0\.1/);
  });
});

test('a closed namespace is gone', async () => {
  const ns = await TestNamespace.create();
  await ns.close();
  await ns.close();
  assert.equal(existsSync(ns.path), false);
});
