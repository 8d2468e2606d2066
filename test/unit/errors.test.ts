// Errors as logs write them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NetfilterError } from '../../lib/index.ts';

test('an error has a JSON form, though it stands among its own failures', () => {
  const err = new NetfilterError('no rule', {
    code: 'ENOENT',
    errno: 2,
    operation: { index: 0, verb: 'delete', object: { rule: { handle: 2n ** 60n } } },
  });
  assert.deepEqual(err.failures, [err]);
  assert.deepEqual(JSON.parse(JSON.stringify(err)), {
    name: 'NetfilterError',
    message: 'no rule',
    code: 'ENOENT',
    errno: -2,
    outcome: 'not-applied',
    operation: { index: 0, verb: 'delete', object: { rule: { handle: '1152921504606846976' } } },
  });
  const both = new NetfilterError('two', { code: 'ENOENT', errno: 2, failures: [err, err] });
  assert.equal((JSON.parse(JSON.stringify(both)) as { failures: unknown[] }).failures.length, 2);
});
