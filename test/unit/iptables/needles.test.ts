// What is looked for before a rule is decoded must stand in every form of that rule: a rule that holds not all of it is never
// the one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ruleExpressions } from '../../../lib/iptables/compat/encode.ts';
import { messagesHolding, needlesOf } from '../../../lib/iptables/compat/needles.ts';
import { parseRule } from '../../../lib/iptables/rule-text.ts';
import { toXt } from '../../../lib/iptables/xt-convert.ts';
import type { XtRule } from '../../../lib/iptables/xt-rule.ts';
import { expressionTables } from '../../../lib/nftables/expressions/index.ts';
import { AttributeWriter } from '../../../lib/wire/writer.ts';

const NEWEST = 255;
const context = { family: 'ip', setIndex: () => 1, setName: () => 's' } as const;

function xt(text: string): XtRule {
  return toXt(parseRule(text), context, () => NEWEST);
}

function bytesOf(rule: XtRule): Uint8Array {
  const w = new AttributeWriter();
  expressionTables.list.put(w, 4, ruleExpressions(rule));
  return w.written();
}

const rules = [
  '-s 10.1.2.3/32 -d 10.0.0.0/9 -i eth0 -o wlan+ -m comment --comment "one two" -j KUBE-SVC',
  '! -s 10.1.0.0/16 -p tcp -m tcp --dport 22 -m comment --comment x -g OTHER',
  '-s 10.1.0.0/255.0.255.0 -j ACCEPT',
  '! -i + -j DROP',
  '-m comment --comment "" -j RETURN',
];

/** The numbers of those, one after the other, that hold all needles; of all where there is none. */
function holding(messages: readonly Uint8Array[], needles: readonly Buffer[]): number[] {
  let end = 0;
  const starts = Uint32Array.from(messages, ({ length }) => (end += length) - length);
  return [...(messagesHolding(Buffer.concat(messages), starts, needles) ?? messages.keys())];
}

describe('needles', () => {
  for (const text of rules) {
    it(`stand in the bytes of ${text}`, () => {
      const rule = xt(text);
      assert.deepEqual(holding([bytesOf(rule)], needlesOf(rule)), [0]);
    });
  }

  it('tell rules apart by comment, chain, interface and address', () => {
    const wanted = needlesOf(xt(rules[0] ?? ''));
    assert.ok(wanted.length >= 5);
    for (const other of ['10.1.2.4/32', 'eth1', 'one twos', 'KUBE-SVCS', 'wlam+'].map((word, i) =>
      (rules[0] ?? '').replace(['10.1.2.3/32', 'eth0', 'one two', 'KUBE-SVC', 'wlan+'][i] ?? '', word),
    )) {
      assert.deepEqual(holding([bytesOf(xt(other))], wanted), [], other);
    }
  });

  it('leave out what may be written in several ways', () => {
    assert.deepEqual(needlesOf(xt('-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -j DNAT --to-destination 1.2.3.4')), []);
  });

  it('are found in each message that has all of them, and not across two', () => {
    const [a, b, c] = ['-s 10.1.2.3/32 -j CHAIN', '-s 10.1.2.4/32 -j CHAIN', '-s 10.1.2.3/32 -j OTHER'].map((text) => bytesOf(xt(text)));
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const wanted = needlesOf(xt('-s 10.1.2.3/32 -j CHAIN'));
    assert.deepEqual(holding([b, a, c, a, a, b], wanted), [1, 3, 4]);
    assert.deepEqual(holding([c, b], wanted), []);
    const text = (words: string): Buffer => Buffer.from(words);
    assert.deepEqual(holding(['xab', 'cabc', 'ab', 'cab', 'c', 'abc'].map(text), [text('abc')]), [1, 5]);
    assert.equal(messagesHolding(a, Uint32Array.of(0), []), undefined, 'without a needle any may be the one');
    assert.deepEqual(holding([], wanted), []);
  });
});
