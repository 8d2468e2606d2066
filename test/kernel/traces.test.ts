// Traced packets over loopback: each step with its rule and verdict, the packet's headers decoded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NftEvent, Subscription, TraceEvent } from '../../lib/index.ts';
import { nextTrace, sendOverLoopback } from '../support/events.ts';
import { NftFixture } from '../support/nft.ts';

/** Properties of a header. */
const present = (header: object | undefined, names: readonly string[]): unknown[] =>
  names.map((name) => (header as Record<string, unknown> | undefined)?.[name]);

/** The steps of the next packet up to the one that decides in `chain`. */
async function steps(events: Subscription<NftEvent>, chain: string): Promise<TraceEvent[]> {
  const seen: TraceEvent[] = [];
  for (;;) {
    const trace = await nextTrace(events);
    seen.push(trace);
    if (trace.chain === chain && (trace.type === 'policy' || trace.verdict === 'drop' || trace.verdict === 'accept')) return seen;
  }
}

async function fixture(text: string): Promise<NftFixture> {
  const f = await NftFixture.create();
  f.ns.up();
  f.must('nft', ['-f', '-'], { input: text });
  return f;
}
test('a UDP packet: rules, jumps, the policy, and its headers', async () => {
  await using f = await fixture(`table inet t {
    chain helper {
      udp dport 9999 counter return
    }
    chain out {
      type filter hook output priority 0; policy accept;
      udp dport 9999 meta nftrace set 1 meta mark set 0x2a comment "traced"
      jump helper comment "to helper"
    }
    chain in {
      type filter hook input priority 0; policy accept;
      udp dport 9999 counter drop comment "the end"
    }
  }`);
  await using events = f.nft.events({ kinds: ['trace'], rules: f.nft.snapshotSync() });
  sendOverLoopback(f.ns, 'udp', '127.0.0.1', 9999);
  const all = await steps(events, 'in');
  const out = all.filter((t) => t.chain !== 'in');
  const last = all.at(-1);
  assert.deepEqual(
    out.filter((t) => t.rule !== undefined).map((t) => [t.type, t.chain, t.verdict, t.target, t.rule?.comment, t.rule?.index]),
    [
      ['rule', 'out', 'continue', undefined, 'traced', 0],
      ['rule', 'out', 'jump', 'helper', 'to helper', 1],
      ['rule', 'helper', 'return', undefined, undefined, 0],
    ],
  );
  const policy = out.at(-1);
  assert.deepEqual([policy?.type, policy?.chain, policy?.verdict], ['policy', 'out', 'accept']);
  assert.deepEqual([last?.type, last?.verdict, last?.rule?.comment], ['rule', 'drop', 'the end']);
  for (const trace of all) {
    assert.deepEqual([trace.family, trace.table, trace.nfproto, trace.mark], ['inet', 't', 'ip', 0x2a]);
    if (trace.rule !== undefined) assert.equal(typeof trace.rule.handle, 'bigint');
  }
  assert.equal(new Set(out.map((t) => t.id)).size, 1);

  // With its first step in each hook the packet itself.
  assert.deepEqual(
    all.map((t) => t.packet !== undefined),
    all.map((t) => t === out[0] || t === last),
  );
  for (const trace of [out[0], last]) {
    assert.deepEqual(present(trace?.packet?.network, ['protocol', 'saddr', 'daddr', 'length', 'next']), [
      'ip',
      '127.0.0.1',
      '127.0.0.1',
      33,
      'udp',
    ]);
    assert.deepEqual(present(trace?.packet?.transport, ['protocol', 'dport', 'length']), ['udp', 9999, 13]);
  }
  assert.deepEqual([out[0]?.packet?.oif, out[0]?.packet?.iif], [1, undefined]);
  assert.deepEqual([last?.packet?.oif, last?.packet?.iif, last?.packet?.iiftype], [undefined, 1, 772]);
  assert.deepEqual(last?.packet?.link, { daddr: '00:00:00:00:00:00', saddr: '00:00:00:00:00:00', type: 0x0800 });
});

test('a TCP SYN over IPv6, without a snapshot: the rule by handle alone', async () => {
  await using f = await fixture(`table ip6 t {
    chain far {
      reject with tcp reset
    }
    chain in {
      type filter hook input priority 0
      tcp dport 7 meta nftrace set 1 goto far
    }
  }`);
  await using events = f.nft.events({ kinds: ['trace'] });
  const handles = new Map([...f.nft.snapshotSync().rules()].map((r) => [r.chain, r.handle]));
  const packets = steps(events, 'far');
  sendOverLoopback(f.ns, 'tcp', '::1', 7);
  const [first, second] = await packets;
  assert.deepEqual([first?.type, first?.verdict, first?.target], ['rule', 'goto', 'far']);
  assert.deepEqual(first?.rule, { family: 'ip6', table: 't', chain: 'in', handle: handles.get('in'), index: -1 });
  assert.deepEqual([second?.rule?.handle, second?.verdict, second?.packet], [handles.get('far'), 'drop', undefined]);
  assert.deepEqual(present(first?.packet?.network, ['protocol', 'saddr', 'daddr', 'next']), ['ip6', '::1', '::1', 'tcp']);
  assert.deepEqual(present(first?.packet?.transport, ['protocol', 'dport', 'doff']), ['tcp', 7, 40]);
  const [flags] = present(first?.packet?.transport, ['flags']) as string[][];
  assert.ok(flags?.includes('syn') && !flags.includes('ack'), flags?.join());
});

test('the ICMP error to a datagram that nobody wanted', async () => {
  await using f = await fixture(`table ip t {
    chain o {
      type filter hook output priority 0
      icmp type destination-unreachable meta nftrace set 1
    }
  }`);
  await using events = f.nft.events({ kinds: ['trace'] });
  sendOverLoopback(f.ns, 'udp', '127.0.0.1', 9);
  const [first] = await steps(events, 'o');
  assert.deepEqual(present(first?.packet?.transport, ['protocol', 'type', 'code', 'id']), ['icmp', 3, 3, undefined]);
});

test('traces and commits on one subscription keep their order', async () => {
  await using f = await fixture(`table ip t {
    chain o {
      type filter hook output priority 0
      udp dport 9 meta nftrace set 1
    }
  }`);
  await using events = f.nft.events();
  const order: string[] = [];
  for (let i = 0; i < 5; i++) {
    f.must('nft', ['add', 'table', 'ip', `m${i}`]);
    sendOverLoopback(f.ns, 'udp', '127.0.0.1', 9);
  }
  f.must('nft', ['add', 'table', 'ip', 'end']);
  for (;;) {
    const event = (await events.next()).value as NftEvent;
    if (event.kind === 'overrun') continue;
    if (order.at(-1) !== event.kind) order.push(event.kind);
    if (
      event.kind === 'commit' &&
      event.changes.some(({ object }) => 'table' in object && (object.table as { name: string }).name === 'end')
    )
      break;
  }
  assert.deepEqual(order, [...Array.from({ length: 5 }, () => ['commit', 'trace']).flat(), 'commit']);
});
