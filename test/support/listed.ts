// Comparing -L texts while some extensions cannot be listed yet: what stands before them is compared, and the test says which they are.
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Iptables } from '../../lib/index.ts';
import { codecsOf } from '../../lib/iptables/xt-convert.ts';

/** Those of which the real program says nothing either. */
const silent = new Set(['TRACE']);

/** Extensions of the rules whose -L text nflink cannot say yet. */
export async function unlisted(ipt: Iptables): Promise<string[]> {
  const names = new Set<string>();
  for (const { spec } of (await ipt.snapshot()).rules()) {
    if ('foreign' in spec) continue;
    for (const codec of codecsOf(spec, ipt.family)) if (codec.list === undefined && !silent.has(codec.name)) names.add(codec.name);
  }
  return [...names].sort();
}

export function sayUnlisted(t: TestContext, missing: Iterable<string>): void {
  const names = [...missing].sort();
  if (names.length > 0) t.diagnostic(`NOT COMPARED to the end: -L says nothing yet of ${names.join(', ')}`);
}

/** Target, protocol, interfaces and source of a row. */
const BEGINNING = 60;

export function assertListed(actual: string, expected: string, missing: readonly string[], what: string): void {
  if (missing.length === 0 || actual === expected) return assert.equal(actual, expected, what);
  const lines = actual.split('\n');
  const cut = expected.split('\n').map((line, i) => (line.startsWith((lines[i] ?? '').slice(0, BEGINNING)) ? lines[i] : line));
  assert.equal(actual, cut.join('\n'), what);
}
