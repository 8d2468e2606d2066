// A plan that others came before is made again, ten times, whether they came before the commit or before a whole look.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { NetfilterError } from '../../../lib/errors.ts';
import { runSync, type Verb } from '../../../lib/run.ts';
import { type Attempt, type Committed, commitPlanned } from '../../../lib/sync/commit.ts';

interface Numbered extends Attempt {
  readonly number: number;
}
type Outcome = 'ERESTART' | 'EINTR' | 'EPERM' | undefined;

/** What `plan` and `send` do at each call, in turn; then they succeed. `seen`: the numbers of plans that were told to be lost. */
function commit(plans: Outcome[], sends: Outcome[], first?: Numbered): { done: Committed<Numbered>; seen: (number | undefined)[] } {
  const seen: (number | undefined)[] = [];
  let number = 0;
  const fail = (code: Outcome): void => {
    if (code !== undefined) throw new NetfilterError(code, { code });
  };
  // biome-ignore lint/correctness/useYield: a verb of no steps.
  const plan = function* (lost: Numbered | undefined): Verb<Numbered> {
    seen.push(lost?.number);
    fail(plans.shift());
    return { empty: false, generation: 1, number: ++number };
  };
  // biome-ignore lint/correctness/useYield: a verb of no steps.
  const send = function* (): Verb<number> {
    fail(sends.shift());
    return 2;
  };
  const by = () => ({ process: 'nft', tid: 7 });
  return { done: runSync(commitPlanned(first, { plan, send, by, what: 'ip t' })), seen };
}

it('after a commit that came before ours, and after a look that was interrupted', () => {
  const { done, seen } = commit(['EINTR', undefined, 'EINTR'], ['ERESTART']);
  assert.deepEqual(done, { plan: { empty: false, generation: 1, number: 2 }, generation: 2, retries: 3 });
  assert.deepEqual(seen, [undefined, undefined, 1, 1]);
});

it('a plan there is already is sent first', () => {
  const first = { empty: false, generation: 0, number: 9 };
  assert.deepEqual(commit([], [], first), { done: { plan: first, generation: 2, retries: 0 }, seen: [] });
  assert.deepEqual(commit([], ['ERESTART'], first).seen, [9]);
});

it('ten times', () => {
  const text = /^sync of ip t: somebody else has committed during each of 10 tries, last by nft \(thread 7\); nothing was applied$/;
  for (const code of ['EINTR', 'ERESTART'] as const) {
    const lost = (times: number): Outcome[] => new Array<Outcome>(times).fill(code);
    const call = (times: number) => (code === 'EINTR' ? commit(lost(times), []) : commit([], lost(times)));
    assert.equal(call(9).done.retries, 9);
    assert.throws(() => call(10), { code: 'ERR_CONFLICT', outcome: 'not-applied', message: text });
  }
});

it('anything else is an error at once', () => {
  assert.throws(() => commit([], ['EPERM']), { code: 'EPERM' });
  assert.throws(() => commit(['EPERM'], []), { code: 'EPERM' });
});
