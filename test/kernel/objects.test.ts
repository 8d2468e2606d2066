// Named objects: what a user says arrives as nft lists it, and is read back in the same words. What nft 1.0.6 cannot list
// (tunnel, connlimit) is compared as raw dumps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectInput, StatefulObject } from '../../lib/index.ts';
import { objectAttributes, objectModel, objectTable } from '../../lib/nftables/objects/object.ts';
import { statefulKinds } from '../../lib/nftables/objects/stateful/index.ts';
import { jsonSafe } from '../../lib/wire/json.ts';
import { failureOf, NftFixture } from '../support/nft.ts';
import { encoded } from '../support/wire-cases.ts';

type Words = Readonly<Record<string, unknown>>;
interface Case {
  readonly kind: Exclude<StatefulObject, 'flowtable'>;
  readonly given: Words;
  /** As nft -j lists it, where that differs from what was given. */
  readonly listed?: Words;
  /** As nflink reads it, where that differs from what was given. */
  readonly read: Words;
  /** nft 1.0.6 cannot list it. */
  readonly unlisted?: true;
}

const tcpDefaults = {
  syn_sent: 120, syn_recv: 60, fin_wait: 120, close_wait: 60, last_ack: 30, time_wait: 120, syn_sent2: 120, retrans: 300, unack: 300,
}; // biome-ignore format: one policy
const bytes = (...list: number[]): Uint8Array => Uint8Array.from(list);
const ends = { src: '192.0.2.1', dst: '192.0.2.2' };
const tunnelDefaults = { sport: 0, dport: 0, flags: [], tos: 0, ttl: 255 };

const cases: readonly Case[] = [
  { kind: 'counter', given: {}, listed: { packets: 0, bytes: 0 }, read: { packets: 0n, bytes: 0n } },
  { kind: 'counter', given: { packets: 5, bytes: '9007199254740993' }, listed: { packets: 5, bytes: 2 ** 53 + 1 }, read: { packets: 5n, bytes: 9007199254740993n } },
  { kind: 'quota', given: { bytes: 1000 }, listed: { bytes: 1000, used: 0, inv: false }, read: { bytes: 1000n, used: 0n, inv: false } },
  { kind: 'quota', given: { bytes: 2n ** 62n, used: 7, inv: true }, listed: { bytes: 2 ** 62, used: 7, inv: true }, read: { bytes: 2n ** 62n, used: 7n, inv: true } },
  ...(['second', 'minute', 'hour', 'day', 'week'] as const).map((per): Case => ({
    kind: 'limit', given: { rate: 10, per, burst: 3 }, listed: { rate: 10, per, burst: 3 }, read: { rate: 10n, per, burst: 3, unit: 'packets', inv: false },
  })), // biome-ignore format: one case
  { kind: 'limit', given: { rate: 4, inv: true }, listed: { rate: 4, per: 'second', burst: 5, inv: true }, read: { rate: 4n, per: 'second', burst: 5, unit: 'packets', inv: true } },
  {
    kind: 'limit',
    given: { rate: 10, rate_unit: 'kbytes', per: 'second', burst: 2, burst_unit: 'mbytes' },
    listed: { rate: 10, rate_unit: 'kbytes', per: 'second', burst: 2, burst_unit: 'mbytes' },
    read: { rate: 10240n, per: 'second', burst: 2 << 20, unit: 'bytes', inv: false },
  },
  { kind: 'limit', given: { rate: 512, unit: 'bytes', per: 'hour' }, listed: { rate: 512, rate_unit: 'bytes', per: 'hour' }, read: { rate: 512n, per: 'hour', burst: 0, unit: 'bytes', inv: false } },
  { kind: 'ct helper', given: { type: 'ftp', protocol: 'tcp', l3proto: 'ip' }, read: { type: 'ftp', protocol: 'tcp', l3proto: 'ip' } },
  { kind: 'ct helper', given: { type: 'tftp', protocol: 'udp', l3proto: 'ip6' }, read: { type: 'tftp', protocol: 'udp', l3proto: 'ip6' } },
  { kind: 'ct helper', given: { type: 'sip', protocol: 'udp', l3proto: 'inet' }, read: { type: 'sip', protocol: 'udp', l3proto: 'inet' } },
  {
    kind: 'ct timeout',
    given: { protocol: 'tcp', l3proto: 'ip', policy: { established: 100, close: 5 } },
    read: { protocol: 'tcp', l3proto: 'ip', policy: { ...tcpDefaults, established: 100, close: 5 } },
    listed: { protocol: 'tcp', l3proto: 'ip', policy: { established: 100, close: 5 } },
  },
  {
    kind: 'ct timeout',
    given: { protocol: 'udp', l3proto: 'ip6', state: 'replied', value: 12 },
    read: { protocol: 'udp', l3proto: 'ip6', policy: { unreplied: 30, replied: 12 } },
    listed: { protocol: 'udp', l3proto: 'ip6', policy: { replied: 12 } },
  },
  ...(['icmp', 'generic'] as const).map((protocol): Case => ({
    kind: 'ct timeout', given: { protocol, l3proto: 'ip', policy: { timeout: 77 } }, read: { protocol, l3proto: 'ip', policy: { timeout: 77 } }, unlisted: true,
  })), // biome-ignore format: one case
  { kind: 'ct timeout', given: { protocol: 'gre', policy: { replied: 9 } }, read: { protocol: 'gre', l3proto: 'inet', policy: { unreplied: 30, replied: 9 } }, unlisted: true },
  {
    kind: 'ct timeout',
    given: { protocol: 'sctp', l3proto: 'ip', policy: { heartbeat_sent: 31 } },
    read: {
      protocol: 'sctp', l3proto: 'ip',
      policy: {
        closed: 10, cookie_wait: 3, cookie_echoed: 3, established: 210, shutdown_sent: 3, shutdown_recd: 3, shutdown_ack_sent: 3, heartbeat_sent: 31,
        // No longer used: always 0.
        heartbeat_acked: 0,
      },
    }, // biome-ignore format: one policy
    unlisted: true,
  },
  {
    kind: 'ct expectation',
    given: { protocol: 'tcp', l3proto: 'ip', dport: 9876, timeout: 2000, size: 12 },
    read: { protocol: 'tcp', l3proto: 'ip', dport: 9876, timeout: 2000, size: 12 },
  },
  { kind: 'synproxy', given: { mss: 1460, wscale: 7 }, read: { mss: 1460, wscale: 7 } },
  { kind: 'synproxy', given: { mss: 1460, wscale: 7, flags: 'timestamp' }, read: { mss: 1460, wscale: 7, flags: ['timestamp'] }, listed: { mss: 1460, wscale: 7, flags: ['timestamp'] } },
  { kind: 'synproxy', given: { mss: 9, wscale: 1, flags: ['sack-perm', 'timestamp'] }, read: { mss: 9, wscale: 1, flags: ['sack-perm', 'timestamp'] }, listed: { mss: 9, wscale: 1, flags: ['timestamp', 'sack-perm'] } },
  { kind: 'synproxy', given: { flags: ['sack-perm'] }, read: { flags: ['sack-perm'] }, unlisted: true },
  { kind: 'synproxy', given: { mss: 500, flags: 4 }, read: { mss: 500, flags: 4 }, unlisted: true },
  { kind: 'connlimit', given: { val: 10, inv: true }, read: { val: 10, inv: true }, unlisted: true },
  { kind: 'tunnel', given: { id: 5, ...ends, sport: 1, dport: 2, tos: 3, ttl: 4, flags: ['zero-csum-tx', 'dont-fragment'] }, read: { id: 5, ...ends, sport: 1, dport: 2, tos: 3, ttl: 4, flags: ['zero-csum-tx', 'dont-fragment'] }, unlisted: true },
  { kind: 'tunnel', given: { id: 5, src: '::1', dst: '::2', flowlabel: 7, vxlan: { gbp: 200 } }, read: { ...tunnelDefaults, id: 5, src: '::1', dst: '::2', flowlabel: 7, vxlan: { gbp: 200 } }, unlisted: true },
  { kind: 'tunnel', given: { id: 5, ...ends, erspan: { version: 1, index: 5 } }, read: { ...tunnelDefaults, id: 5, ...ends, erspan: { version: 1, index: 5 } }, unlisted: true },
  { kind: 'tunnel', given: { id: 5, ...ends, erspan: { version: 2, id: 10, direction: 'egress' } }, read: { ...tunnelDefaults, id: 5, ...ends, erspan: { version: 2, id: 10, direction: 'egress' } }, unlisted: true },
  {
    kind: 'tunnel',
    given: { id: 5, ...ends, geneve: [{ class: 0x1010, 'opt-type': 1, data: bytes(1, 2, 3, 4) }, { class: 0x1011, 'opt-type': 2, data: bytes(5, 6, 7, 8, 9, 10, 11, 12) }] },
    read: { ...tunnelDefaults, id: 5, ...ends, geneve: [{ class: 0x1010, 'opt-type': 1, data: bytes(1, 2, 3, 4) }, { class: 0x1011, 'opt-type': 2, data: bytes(5, 6, 7, 8, 9, 10, 11, 12) }] },
    unlisted: true,
  },
]; // biome-ignore format: a case a line

/** Tunnel objects exist in netdev tables only; all others here live in an inet one. */
const familyOf = (kind: string): 'netdev' | 'inet' => (kind === 'tunnel' ? 'netdev' : 'inet');

for (const [i, c] of cases.entries()) {
  test(`${c.kind} ${i}: ${JSON.stringify(jsonSafe(c.given))}`, async () => {
    await using f = await NftFixture.create();
    const place = { family: familyOf(c.kind), table: 't', name: 'o' } as const;
    const tx = f.nft.transaction();
    tx.add({ table: { family: place.family, name: 't' } });
    const op = tx.add({ [c.kind]: { ...place, ...c.given, comment: 'mine' } } as unknown as ObjectInput);
    const result = tx.commitSync();
    const [model] = f.nft.snapshotSync().table(place.family, 't')?.objects ?? [];
    assert.deepEqual({ ...model }, { kind: c.kind, ...place, handle: result.handle(op), comment: 'mine', ...c.read });

    if (!c.unlisted) {
      const { nftables } = JSON.parse(f.must('nft', ['-j', 'list', 'ruleset'])) as { nftables: Words[] };
      const listed = nftables.flatMap((o) => (o[c.kind] === undefined ? [] : [o[c.kind] as Words]));
      const { comment: _, handle, ...rest } = listed[0] ?? {};
      assert.deepEqual(rest, { ...place, ...(c.listed ?? c.given) });
      assert.equal(handle, Number(result.handle(op)));
    }

    // As JSON keeps it, it makes the same object again.
    const again = f.nft.transaction();
    again.delete({ [c.kind]: place } as unknown as ObjectInput);
    const { kind: _1, handle: _2, ...words } = JSON.parse(JSON.stringify(jsonSafe(model))) as Words;
    const second = again.add({ [c.kind]: words } as unknown as ObjectInput);
    const handle = again.commitSync().handle(second);
    const [copy] = f.nft.snapshotSync().table(place.family, 't')?.objects ?? [];
    assert.deepEqual({ ...copy, handle: 0n }, { ...model, handle: 0n });
    assert.notEqual(handle, result.handle(op));
  });
}

test('every kind is tried, but for what this kernel refuses', () => {
  assert.deepEqual(
    [...new Set(cases.map((c) => c.kind))].sort(),
    Object.keys(statefulKinds)
      .filter((kind) => kind !== 'secmark')
      .sort(),
  );
});

test('secmark and flowtable: this kernel has neither, and says so', async () => {
  await using f = await NftFixture.withChains();
  const place = { family: 'ip', table: 't', name: 'o' } as const;
  for (const object of [
    { secmark: { ...place, context: 'system_u:object_r:x_t:s0' } },
    { flowtable: { ...place, hook: 'ingress', prio: 'filter', dev: 'lo' } },
  ] as const) {
    const tx = f.nft.transaction();
    tx.add(object);
    assert.deepEqual((await failureOf(() => tx.commit())).code, 'ENOENT');
  }
});

test('words that an object does not have are named, and nothing is sent', async () => {
  await using f = await NftFixture.withChains();
  const place = { family: 'ip', table: 't', name: 'o' } as const;
  const wrong: readonly (readonly [ObjectInput, string])[] = [
    [{ counter: { ...place, packet: 1 } }, 'packet'],
    [{ counter: { ...place, packets: -1 } }, 'packets'],
    [{ counter: { ...place, packets: 1.5 } }, 'packets'],
    [{ counter: { family: 'ip', table: 't' } }, 'name'],
    [{ quota: { ...place, bytes: 1, inv: 'yes' } }, 'inv'],
    [{ limit: { ...place, rate: 1, per: 'fortnight' } }, 'per'],
    [{ limit: { ...place, rate: 1, rate_unit: 'gbytes' } }, 'rate_unit'],
    [{ 'ct timeout': { ...place, protocol: 'tcp', policy: { established: -1 } } }, 'policy.established'],
    [{ 'ct timeout': { ...place, protocol: 'tcp', policy: { replied: 1 } } }, 'policy.replied'],
    [{ 'ct helper': { ...place, type: 'x'.repeat(16), protocol: 'tcp' } }, 'type'],
    [{ 'ct expectation': { ...place, dport: 65536 } }, 'dport'],
    [{ synproxy: { ...place, flags: ['fast'] } }, 'flags'],
    [{ tunnel: { ...place, id: 1, src: '192.0.2.256' } }, 'src'],
    [{ counter: { ...place, comment: 'x'.repeat(129) } }, 'comment'],
    [{ flowtable: { ...place, dev: 'lo' } }, 'hook'],
    [{ flowtable: { ...place, hook: 'egress', dev: 'lo' } }, 'hook'],
  ];
  const tx = f.nft.transaction();
  for (const [object, path] of wrong) {
    const err = await failureOf(() => tx.add(object));
    assert.equal(err.code, 'ERR_INVALID_ARG', err.message);
    assert.equal(err.operation?.path, path, err.message);
  }
  assert.equal(tx.length, 0);
});

test('the path of what the kernel found wrong', async () => {
  await using f = await NftFixture.withChains();
  const tx = f.nft.transaction();
  tx.add({ 'ct helper': { family: 'ip', table: 't', name: 'h', type: 'nonsense', protocol: 'tcp' } });
  tx.add({ counter: { family: 'ip', table: 'nowhere', name: 'c' } });
  const err = await failureOf(() => tx.commit());
  assert.deepEqual(
    err.failures.map((e) => [e.code, e.operation?.path]),
    [
      ['ENOENT', undefined],
      ['ENOENT', 'table'],
    ],
  );
});

test('an unknown kind, and unknown attributes of a known one, are kept and written back', () => {
  const strange = { table: 't', name: 'o', kind: 77, data: bytes(5, 0, 1, 0, 9, 0, 0, 0), handle: 3n };
  const model = objectModel('ip', strange);
  assert.deepEqual(model, { kind: '77', family: 'ip', table: 't', name: 'o', handle: 3n, data: strange.data });
  const json = JSON.parse(JSON.stringify(jsonSafe(model))) as Words;
  const { handle: _, ...rest } = strange;
  assert.deepEqual(objectAttributes('77', json), rest);

  const counter = {
    table: 't',
    name: 'o',
    kind: 'counter',
    data: { bytes: 1n, unknown: [{ index: 1, type: 99, data: bytes(1, 2) }] },
    userdata: bytes(7, 1, 5, 0, 2, 0x61, 0),
  };
  const bytes1 = encoded(objectTable, counter);
  const shown = objectModel('ip', objectTable.decode(bytes1, 0, bytes1.length) ?? {});
  assert.equal((shown as unknown as Words)['comment'], 'a');
  const back = objectAttributes('counter', JSON.parse(JSON.stringify(jsonSafe(shown))) as Words);
  assert.deepEqual(Buffer.from(encoded(objectTable, back)).toString('hex'), Buffer.from(bytes1).toString('hex'));
});

test('adding one that is there: quotas and synproxies change, others stay as they are', async () => {
  await using f = await NftFixture.withChains();
  const place = { family: 'ip', table: 't', name: 'o' } as const;
  const steps: readonly (readonly [first: ObjectInput, second: ObjectInput, property: string, value: unknown, changed: boolean])[] = [
    [{ quota: { ...place, bytes: 1000, used: 7 } }, { quota: { ...place, bytes: 2000 } }, 'bytes', 2000n, true],
    [{ quota: { ...place, bytes: 1000, used: 7 } }, { quota: { ...place, bytes: 2000, used: 99 } }, 'used', 7n, true],
    [{ synproxy: { ...place, mss: 1, wscale: 1 } }, { synproxy: { ...place, mss: 1460, wscale: 7 } }, 'mss', 1460, true],
    [{ counter: { ...place, packets: 3 } }, { counter: { ...place, packets: 9 } }, 'packets', 3n, false],
    [{ limit: { ...place, rate: 3 } }, { limit: { ...place, rate: 9 } }, 'rate', 3n, false],
    [{ counter: { ...place, comment: 'old' } }, { counter: { ...place, comment: 'new' } }, 'comment', 'old', false],
  ];
  for (const [first, second, property, value, changed] of steps) {
    const tx = f.nft.transaction();
    tx.add(first);
    tx.commitSync();
    const again = f.nft.transaction();
    const op = again.add(second);
    // The kernel echoes what it changes.
    assert.equal(again.commitSync().handle(op) !== undefined, changed, property);
    const [model] = f.nft.snapshotSync().table('ip', 't')?.objects ?? [];
    assert.deepEqual((model as unknown as Words)[property], value, property);
    const gone = f.nft.transaction();
    gone.delete(first);
    gone.commitSync();
  }
});
