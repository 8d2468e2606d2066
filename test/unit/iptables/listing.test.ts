// The columns of -L that no kernel is needed for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countColumns, countText, ruleDetails, ruleRow } from '../../../lib/iptables/command-line/row.ts';
import type { RuleSpec } from '../../../lib/iptables/rule-spec.ts';
import { parseRule } from '../../../lib/iptables/rule-text.ts';

const all = { numeric: true, verbose: true, exact: false, lineNumbers: false };

test('counters are rounded to five places, as xtables_print_num rounds them', () => {
  const cases: readonly (readonly [bigint, string])[] = [
    [0n, '0'],
    [99999n, '99999'],
    [100000n, '100K'],
    [100499n, '100K'],
    [100500n, '101K'],
    [9999499n, '9999K'],
    [9999500n, '10M'],
    [9999499499n, '9999M'],
    // Rounded twice, as there.
    [9999499999n, '10G'],
    [9999500000n, '10G'],
    [9999999999999n, '10T'],
    [1234567890123456n, '1235T'],
  ];
  for (const [n, text] of cases) {
    assert.equal(countText(n, false), text);
    assert.equal(countText(n, true), String(n));
  }
  assert.equal(countColumns({ packets: 1n, bytes: 100000n }, all), '    1  100K ');
  assert.equal(countColumns({ packets: 1n, bytes: 100000n }, { ...all, exact: true }), '       1   100000 ');
  assert.equal(countColumns({ packets: 1n, bytes: 2n }, { ...all, verbose: false }), '');
});

test('a rule that nflink knows no codec for is shown by name and revision', () => {
  const data = new Uint8Array(8);
  const spec: RuleSpec = { matches: [{ name: 'odd', revision: 3, data }], target: { name: 'ODD', revision: 1, data } };
  assert.equal(
    ruleRow(spec, 'ip', { ...all, verbose: false }),
    'ODD        0    --  0.0.0.0/0            0.0.0.0/0           odd [unsupported revision]  ODD [unsupported revision]',
  );
});

test('what -v says of a rule: numbers, but for the protocol', () => {
  const details = (text: string, family: 'ip' | 'ip6' = 'ip'): string => ruleDetails(parseRule(text, family), family);
  assert.equal(details('-s 10.0.0.1 -p tcp --dport 22 -j ACCEPT'), 'ACCEPT  tcp opt -- in * out *  10.0.0.1  -> 0.0.0.0/0   tcp dpt:22\n');
  assert.equal(details(''), '  all opt -- in * out *  0.0.0.0/0  -> 0.0.0.0/0  \n');
  assert.equal(details('! -s ::1 -i lo ! -o eth+ -g a', 'ip6'), 'a  all opt -- in lo out !eth+ !::1  -> ::/0  [goto] \n');
  assert.equal(details('! -f ! -d 1.0.0.0/8 ! -p 253'), ' !253 opt !f in * out *  0.0.0.0/0 !-> 1.0.0.0/8  \n');
});
