// Sets, maps and elements in transactions: every verb, sets of the same transaction and of the kernel, what is refused
// before sending and by the kernel, and what happens when the set changes in between.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../../lib/connection.ts';
import { type ElementInput, expressions, type Nftables, type ObjectInput, type SetObject } from '../../lib/index.ts';
import { familyNumber } from '../../lib/nftables/objects/messages.ts';
import { getElement } from '../../lib/nftables/sets/get-element.ts';
import { readSet } from '../../lib/nftables/sets/look.ts';
import { runSync } from '../../lib/run.ts';
import { FAMILY, failureOf, NftFixture, ruleNamed, TABLE } from '../support/nft.ts';

const place = { family: FAMILY, table: TABLE, name: 's' } as const;
type More = Partial<SetObject>;
const setS = (more: More = {}): ObjectInput => ({ set: { ...place, type: 'ipv4_addr', ...more } });
const mapS = (map: string, more: More = {}): ObjectInput => ({ map: { ...place, type: 'ipv4_addr', ...more, map } });
const elements = (...elem: readonly ElementInput[]): ObjectInput => ({ element: { ...place, elem } });

/** Table t and in it what nft makes of `body`. */
async function fixture(body = ''): Promise<NftFixture> {
  const f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: `table ip t {\n chain c { }\n ${body}\n}\n` });
  return f;
}
/** The elements of set s as nft shows them, on one line, without the times that pass. */
function listed(f: NftFixture, kind: 'set' | 'map' = 'set'): string {
  const text = f.must('nft', ['list', kind, FAMILY, TABLE, 's']).replaceAll(/ expires \S+/g, '');
  return /elements = \{([^}]*)\}/.exec(text)?.[1]?.replaceAll(/\s+/g, ' ').trim() ?? '';
}
async function commit(f: NftFixture, ...write: readonly ((tx: ReturnType<Nftables['transaction']>) => void)[]): Promise<void> {
  const tx = f.nft.transaction();
  for (const one of write) one(tx);
  await tx.commit();
}

test('add, create, delete, destroy and flush of sets and maps', async () => {
  await using f = await fixture();
  for (const [kind, object] of [
    ['set', setS()],
    ['map', mapS('mark')],
  ] as const) {
    await commit(
      f,
      (tx) => tx.add(object),
      (tx) => tx.add(object),
    );
    assert.equal((await failureOf(() => commit(f, (tx) => tx.create(object)))).code, 'EEXIST');
    const pair = kind === 'set' ? '1.1.1.1' : '1.1.1.1 : 5';
    f.must('nft', [`add element ip t s { ${pair} }`]);
    await commit(f, (tx) => tx.flush(object));
    assert.equal(listed(f, kind), '');
    const tx = f.nft.transaction();
    tx.delete(object);
    const op = tx.create(object);
    const { handle } = await tx.commit();
    const shown = f.must('nft', ['-a', 'list', kind, FAMILY, TABLE, 's']);
    assert.match(shown, new RegExp(`handle ${handle(op)}\\b`));
    const byHandle = { [kind]: { family: FAMILY, table: TABLE, handle: handle(op) } } as unknown as ObjectInput;
    await commit(f, (t) => t.delete(byHandle));
    const missing = await failureOf(() => commit(f, (t) => t.delete(object)));
    assert.deepEqual([missing.code, missing.operation?.path], ['ENOENT', 'name']);
    await commit(f, (t) => t.destroy(object));
  }
});

test('add, create, delete and destroy of elements', async () => {
  await using f = await fixture('set s { type ipv4_addr; }');
  await commit(
    f,
    (tx) => tx.add(elements('1.1.1.1', '1.1.1.2')),
    (tx) => tx.add(elements('1.1.1.1')),
  );
  assert.equal(listed(f), '1.1.1.1, 1.1.1.2');
  const twice = await failureOf(() => commit(f, (tx) => tx.create(elements('1.1.1.3', '1.1.1.2'))));
  assert.deepEqual([twice.code, twice.operation?.path], ['EEXIST', 'elem[1].val']);
  await commit(f, (tx) => tx.delete(elements('1.1.1.1')));
  const gone = await failureOf(() => commit(f, (tx) => tx.delete(elements('1.1.1.2', '1.1.1.1'))));
  assert.deepEqual([gone.code, gone.operation?.path], ['ENOENT', 'elem[1].val']);
  await commit(f, (tx) => tx.destroy(elements('1.1.1.2', '1.1.1.1')));
  assert.equal(listed(f), '');
});

test('a transaction uses the set it has added, whatever comes between', async () => {
  await using f = await fixture();
  const tx = f.nft.transaction();
  tx.add(setS({ type: 'inet_service', flags: ['interval'] }));
  tx.add(ruleNamed('between'));
  tx.add(elements('80-90', 443));
  tx.delete(elements(443));
  tx.delete(setS());
  tx.add(setS({ type: ['ipv4_addr', 'inet_service'] }));
  tx.add(elements({ concat: ['1.2.3.4', 80] }, '1.2.3.5 . 81'));
  await tx.commit();
  assert.equal(listed(f), '1.2.3.4 . 80, 1.2.3.5 . 81');
  assert.deepEqual(f.comments(), ['between']);
});

test('operations on sets of the kernel take their place among the others, with handles and lookups', async () => {
  await using f = await fixture('set s { type ipv4_addr; }\n set u { type mark; flags interval; }');
  const tx = f.nft.transaction();
  const first = tx.add(ruleNamed('first'));
  tx.add(elements('1.1.1.1'));
  const second = tx.add(ruleNamed('second'));
  tx.add({ element: { ...place, name: 'u', elem: ['5-7', 0x10] } });
  tx.rename({ chain: { family: FAMILY, table: TABLE, name: 'c', newname: 'd' } });
  await tx.check();
  assert.deepEqual(f.comments('c'), []);
  const { handle, generation } = await tx.commit();
  assert.deepEqual(
    f.rules('d').map((r) => [r.comment, BigInt(r.handle)]),
    [
      ['first', handle(first)],
      ['second', handle(second)],
    ],
  );
  assert.equal(generation, f.nft.snapshotSync().generation);
  assert.equal(listed(f), '1.1.1.1');
  assert.match(f.must('nft', ['list', 'set', 'ip', 't', 'u']), /elements = \{ 0x00000005-0x00000007, 0x00000010 \}/);
});

test("a set that changes its type between two commits is looked at again; one's own element commits need no new look", async () => {
  await using f = await fixture('set s { type ipv4_addr; }');
  await commit(f, (tx) => tx.add(elements('1.1.1.1')));
  await commit(f, (tx) => tx.add(elements('1.1.1.2')));
  f.must('nft', ['-f', '-'], { input: 'delete set ip t s\nadd set ip t s { type inet_service; }\n' });
  await commit(f, (tx) => tx.add(elements(80)));
  await commit(
    f,
    (tx) => tx.delete(setS()),
    (tx) => tx.add(setS({ type: 'mark' })),
  );
  await commit(f, (tx) => tx.add(elements(7)));
  assert.equal(listed(f), '0x00000007');
});

test('input may change between the verb and the commit', async () => {
  await using f = await fixture('set s { type ipv4_addr; }');
  const [list, keys] = [['1.1.1.1'], Uint8Array.of(2, 2, 2, 2)];
  const tx = f.nft.transaction();
  tx.add(elements(...list));
  tx.add({ element: { ...place, elem: { keys } } });
  list[0] = 'nonsense';
  keys.fill(9);
  await tx.commit();
  assert.equal(listed(f), '1.1.1.1, 2.2.2.2');
});

test('no such set: ENOENT with the place, nothing applied', async () => {
  await using f = await fixture();
  const err = await failureOf(() =>
    commit(
      f,
      (tx) => tx.add(ruleNamed('x')),
      (tx) => tx.add(elements('1.1.1.1')),
    ),
  );
  assert.deepEqual([err.code, err.errno, err.operation?.index, err.operation?.path, err.outcome], ['ENOENT', -2, 1, 'name', 'not-applied']);
  assert.deepEqual(f.comments(), []);
});

test('expired elements: deleting one is no error, unless asked for; adding one again refreshes it', async () => {
  await using f = await fixture('set s { type ipv4_addr; flags timeout; timeout 100s; }');
  await commit(f, (tx) =>
    tx.add(elements({ elem: { val: '9.9.9.9', timeout: 1 } }, '1.1.1.1', { elem: { val: '1.1.1.2', timeout: '50s' } })),
  );
  const left = (address: string): number => {
    const text = f.must('nft', ['-j', 'list', 'set', FAMILY, TABLE, 's']);
    const { nftables } = JSON.parse(text) as { nftables: { set?: { elem: { elem: { val: string; expires: number } }[] } }[] };
    return nftables.flatMap((o) => o.set?.elem ?? []).find((e) => e.elem.val === address)?.elem.expires ?? -1;
  };
  await sleep(2200);
  assert.ok(left('1.1.1.1') < 99 && left('1.1.1.2') < 49);
  await commit(f, (tx) => tx.delete(elements('9.9.9.9')));
  const err = await failureOf(() => commit(f, (tx) => tx.delete({ element: { ...place, elem: ['9.9.9.9'], strict: true } })));
  assert.deepEqual([err.code, err.operation?.path], ['ENOENT', 'elem[0].val']);
  await commit(f, (tx) => tx.add(elements('1.1.1.1', { elem: { val: '1.1.1.2', timeout: 50 } })));
  assert.ok(left('1.1.1.1') >= 98 && left('1.1.1.2') >= 48, 'remaining times were refreshed');
  assert.doesNotMatch(f.must('nft', ['list', 'set', FAMILY, TABLE, 's']), /1\.1\.1\.1 timeout/);
});

test('auto-merge: what the set holds is merged with the new, and cut where a part is deleted', async () => {
  await using f = await fixture(
    'set s { type ipv4_addr; flags interval; auto-merge; elements = { 10.0.0.0-10.0.0.5 comment "low", 10.0.0.20-10.0.0.30 } }',
  );
  await commit(f, (tx) => tx.add(elements('10.0.0.6-10.0.0.10')));
  assert.equal(listed(f), '10.0.0.0-10.0.0.10 comment "low", 10.0.0.20-10.0.0.30');
  await commit(
    f,
    (tx) => tx.delete(elements('10.0.0.22-10.0.0.24')),
    (tx) => tx.add(elements('10.0.0.24', '255.0.0.0/8')),
  );
  assert.equal(listed(f), '10.0.0.0-10.0.0.10 comment "low", 10.0.0.20/31, 10.0.0.24-10.0.0.30, 255.0.0.0/8');
  const err = await failureOf(() => commit(f, (tx) => tx.delete(elements('10.0.0.0', '10.0.0.22-10.0.0.25'))));
  assert.deepEqual([err.code, err.operation?.path], ['ENOENT', 'elem[1].val']);
  await commit(f, (tx) => tx.destroy(elements('10.0.0.9-10.0.0.25', '255.255.255.255')));
  assert.equal(listed(f), '10.0.0.0-10.0.0.8 comment "low", 10.0.0.26-10.0.0.30, 255.0.0.0-255.255.255.254');
  await commit(
    f,
    (tx) => tx.flush(setS()),
    (tx) => tx.add(elements('10.0.0.1', '10.0.0.2')),
  );
  assert.equal(listed(f), '10.0.0.1-10.0.0.2');
  await commit(
    f,
    (tx) => tx.add(setS({ flags: ['interval'], 'auto-merge': true, elem: ['10.0.0.3', '10.0.0.5'] })),
    (tx) => tx.add(elements('10.0.0.4')),
  );
  assert.equal(listed(f), '10.0.0.1-10.0.0.5');
});

test('anonymous sets belong to the rule that looks into them', async () => {
  await using f = await fixture();
  const tx = f.nft.transaction();
  const { payload, lookup, accept, drop } = expressions;
  for (const elem of [['1.1.1.1', '2.2.2.2'], ['3.3.3.3']]) {
    tx.add(setS({ name: '__set%d', flags: ['constant'], elem }));
    tx.add(ruleNamed('anonymous', 'c', [payload('network', 12, 4), lookup('__set%d'), elem.length === 1 ? accept() : drop()]));
  }
  tx.add(mapS('verdict', { name: '__map%d', flags: ['constant'], elem: [['4.4.4.4', { accept: null }]] }));
  tx.add(ruleNamed('map', 'c', [payload('network', 12, 4), { type: 'lookup', set: '__map%d', sreg: 1, dreg: 0 }]));
  await tx.commit();
  assert.match(
    f.listing().replaceAll(/\s+/g, ' '),
    /ip saddr \{ 1\.1\.1\.1, 2\.2\.2\.2 \} drop .*ip saddr 3\.3\.3\.3 accept|ip saddr \{ 3\.3\.3\.3 \} accept .*ip saddr vmap \{ 4\.4\.4\.4 : accept \}/,
  );
});

test('one element without a dump', async () => {
  await using f = await fixture(`set s { type ipv4_addr; elements = { 1.1.1.1 comment "one", 2.2.2.2 } }
 set i { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 11.0.0.0-11.0.0.9 comment "r", 255.0.0.0/8 } }
 set c { type ipv4_addr . inet_service; flags interval; elements = { 1.2.3.0/24 . 80-90 } }
 map m { type mark : verdict; elements = { 1 : jump c, * : drop } }`);
  const connection = runSync(Connection.open(f.ns.path));
  const get = (name: string, elem: ElementInput): unknown => runSync(getElement(connection, { ...place, name, elem }));
  assert.deepEqual(get('s', '1.1.1.1'), { elem: { val: '1.1.1.1', comment: 'one' } });
  assert.equal(get('s', '1.1.1.9'), undefined);
  assert.deepEqual(get('i', '10.1.2.3'), { prefix: { addr: '10.0.0.0', len: 8 } });
  assert.deepEqual(get('i', '11.0.0.5'), { elem: { val: { range: ['11.0.0.0', '11.0.0.9'] }, comment: 'r' } });
  assert.deepEqual(get('i', '255.1.1.1'), { prefix: { addr: '255.0.0.0', len: 8 } });
  assert.equal(get('i', '12.0.0.0'), undefined);
  assert.deepEqual(get('c', { concat: [{ prefix: { addr: '1.2.3.0', len: 24 } }, { range: [80, 90] }] }), {
    concat: [{ prefix: { addr: '1.2.3.0', len: 24 } }, { range: [80, 90] }],
  });
  assert.deepEqual(get('m', 1), [1, { jump: { target: 'c' } }]);
  assert.deepEqual(get('m', '*'), ['*', { drop: null }]);
  assert.throws(() => get('none', 1), { code: 'ENOENT' });
  assert.throws(() => get('s', 'nonsense'), { code: 'ERR_INVALID_ARG' });
  connection.closeSync();
});

test('packed keys: 100,000 into a new set, deleted again in part', async () => {
  await using f = await fixture();
  const keys = packed(100_000, 0x0a000000);
  await commit(
    f,
    (tx) => tx.add(setS({ flags: ['timeout'] })),
    (tx) => tx.add({ element: { ...place, elem: { keys, timeout: 3600 } } }),
  );
  assert.equal(count(f), 100_000);
  assert.match(f.must('nft', ['get', 'element', FAMILY, TABLE, 's', '{ 10.1.134.159 }']), /10\.1\.134\.159 timeout 1h expires/);
  await commit(f, (tx) => tx.delete({ element: { ...place, elem: { keys: keys.subarray(4) } } }));
  assert.equal(count(f), 1);
});

test('packed keys: one million', async () => {
  await using f = await fixture();
  const tx = f.nft.transaction();
  tx.add(setS());
  tx.add({ element: { ...place, elem: { keys: packed(1_000_000, 0x0a000000) } } });
  await tx.commit({ handles: false });
  assert.equal(count(f), 1_000_000);
});

test('packed keys of ranges, concatenations and of a list that fails behind its first message', async () => {
  await using f = await fixture(
    'set s { type ipv4_addr; flags interval; }\n set c { type ipv4_addr . inet_service; flags interval; }\n set k { type ipv4_addr . inet_service; }\n set p { type ipv4_addr; }',
  );
  const key = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);
  await commit(
    f,
    (tx) => tx.add({ element: { ...place, elem: { keys: key(1, 1, 1, 3, 1, 1, 1, 1, 255, 255, 255, 255) } } }),
    (tx) => tx.add({ element: { ...place, name: 'c', elem: { keys: key(1, 1, 1, 1, 0, 80, 0, 0) } } }),
    (tx) => tx.add({ element: { ...place, name: 'k', elem: { keys: key(1, 1, 1, 1, 0, 80, 0, 0, 1, 1, 1, 1, 0, 81, 0, 0) } } }),
  );
  const text = f.listing();
  assert.equal(listed(f), '1.1.1.1, 1.1.1.3, 255.255.255.255');
  for (const want of ['elements = { 1.1.1.1 . 80 }', 'elements = { 1.1.1.1 . 80, 1.1.1.1 . 81 }']) {
    assert.ok(
      [want, want.replace(/\{ (.*), (.*) \}/, '{ $2, $1 }')].some((w) => text.replaceAll(/,\s+/g, ', ').includes(w)),
      `${want}\n${text}`,
    );
  }
  f.must('nft', ['add element ip t p { 10.0.78.32 }']);
  const err = await failureOf(() =>
    commit(f, (tx) => tx.create({ element: { ...place, name: 'p', elem: { keys: packed(50_000, 0x0a000000) } } })),
  );
  assert.deepEqual([err.code, err.operation?.path], ['EEXIST', 'elem[20000].val']);
  const many = Array.from({ length: 50_000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`);
  const err2 = await failureOf(() => commit(f, (tx) => tx.create({ element: { ...place, name: 'p', elem: many } })));
  assert.deepEqual([err2.code, err2.operation?.path, err2.operation?.index], ['EEXIST', 'elem[20000].val', 0]);
});

const bad: readonly (readonly [what: string, path: string, body: string, elem: unknown])[] = [
  ['no address', 'elem[1].val', 'set s { type ipv4_addr; }', ['1.1.1.1', 'x']],
  ['a range in a plain set', 'elem[0].val', 'set s { type ipv4_addr; }', ['1.1.1.1-1.1.1.2']],
  ['a prefix in a plain set', 'elem[0].val', 'set s { type ipv4_addr; }', [{ prefix: { addr: '1.1.1.0', len: 24 } }]],
  ['a prefix that is too long', 'elem[0].val', 'set s { type ipv4_addr; flags interval; }', ['1.1.1.0/33']],
  ['a range that ends before it begins', 'elem[0].val', 'set s { type ipv4_addr; flags interval; }', ['1.1.1.9-1.1.1.1']],
  ['an overlap', 'elem[2].val', 'set s { type ipv4_addr; flags interval; }', ['10.0.0.0/8', '11.0.0.1', '10.1.0.0/16']],
  [
    'another value for the same range',
    'elem[1].val',
    'map s { type ipv4_addr : mark; flags interval; }',
    [
      ['10.0.0.0/8', 1],
      ['10.0.0.0/8', 2],
    ],
  ],
  ['too few fields', 'elem[0].val', 'set s { type ipv4_addr . mark; }', [{ concat: ['1.1.1.1'] }]],
  ['a range in a field', 'elem[0].val.concat[1]', 'set s { type ipv4_addr . mark; }', [{ concat: ['1.1.1.1', '1-2'] }]],
  ['a timeout without the flag', 'elem[0].timeout', 'set s { type ipv4_addr; }', [{ elem: { val: '1.1.1.1', timeout: 5 } }]],
  [
    'a timeout that is none',
    'elem[0].timeout',
    'set s { type ipv4_addr; flags timeout; }',
    [{ elem: { val: '1.1.1.1', timeout: 'soon' } }],
  ],
  ['an unknown property', 'elem[0].tiemout', 'set s { type ipv4_addr; }', [{ elem: { val: '1.1.1.1', tiemout: 5 } }]],
  ['a comment that is too long', 'elem[0].comment', 'set s { type ipv4_addr; }', [{ elem: { val: '1.1.1.1', comment: 'x'.repeat(129) } }]],
  ['no data', 'elem[0].data', 'map s { type ipv4_addr : mark; }', ['1.1.1.1']],
  ['data of another type', 'elem[0].data', 'map s { type ipv4_addr : mark; }', [['1.1.1.1', 'x']]],
  ['no verdict', 'elem[0].data', 'map s { type ipv4_addr : verdict; }', [['1.1.1.1', 'maybe']]],
  ['a jump to nowhere', 'elem[0].data', 'map s { type ipv4_addr : verdict; }', [['1.1.1.1', { jump: {} }]]],
  ['half a key', 'elem.keys', 'set s { type ipv4_addr; }', { keys: new Uint8Array(6) }],
  ['keys of a map', 'elem.keys', 'map s { type ipv4_addr : mark; }', { keys: new Uint8Array(4) }],
  ['keys with more', 'elem.comment', 'set s { type ipv4_addr; }', { keys: new Uint8Array(4), comment: 'x' }],
];
test('elements that cannot be are refused before anything is sent, with their place', async () => {
  for (const [what, path, body, elem] of bad) {
    await using f = await fixture(body);
    const err = await failureOf(() => commit(f, (tx) => tx.add({ element: { ...place, elem } } as unknown as ObjectInput)));
    assert.deepEqual([err.code, err.operation?.path, err.operation?.index], ['ERR_INVALID_ARG', path, 0], `${what}: ${err.message}`);
  }
});

const badSets: readonly (readonly [path: string, set: More & Record<string, unknown>])[] = [
  ['type', { type: 'ipv5_addr' }],
  ['type[1]', { type: ['ipv4_addr', 'integer'] }],
  ['type', { type: [] }],
  ['type', { type: ['mark', 'mark', 'mark', 'mark', 'mark', 'mark'] }],
  ['flags[0]', { flags: ['nonsense'] }],
  ['policy', { policy: 'quick' as never }],
  ['timeout', { timeout: -1 }],
  ['gc-interval', { 'gc-interval': 'x' as never }],
  ['auto-merge', { 'auto-merge': true }],
  ['size', { size: -1 }],
  ['comment', { comment: 'x'.repeat(129) }],
  ['stmt[0]', { stmt: [{ nonsense: null }] }],
  ['map', { map: 'mark' }],
  ['colour', { colour: 'red' }],
  ['elem[0].val', { elem: ['x'] }],
];
test('sets that cannot be are refused by the verb', async () => {
  await using f = await fixture();
  const tx = f.nft.transaction();
  for (const [path, more] of badSets) {
    const err = await failureOf(() => tx.add(setS(more)));
    assert.ok(err.operation?.path?.endsWith(path), `${path}: ${err.operation?.path} ${err.message}`);
  }
  assert.equal((await failureOf(() => tx.add(mapS('ipv5_addr')))).operation?.path, 'map');
  assert.equal(tx.length, 0);
  tx.add(setS());
  await tx.commit();
});

test('the kernel names the element it refuses', async () => {
  await using f = await fixture(
    'set s { type ipv4_addr; flags interval; elements = { 10.0.0.0/8 } }\n map v { type ipv4_addr : verdict; }\n map o { type ipv4_addr : counter; }',
  );
  const cases: readonly (readonly [name: string, path: string, code: string, elem: readonly ElementInput[]])[] = [
    ['s', 'elem[1].val', 'EEXIST', ['20.0.0.0/8', '10.5.0.0/16', '30.0.0.0/8']],
    [
      'v',
      'elem[1].val',
      'ENOENT',
      [
        ['1.1.1.1', 'accept'],
        ['1.1.1.2', 'jump nowhere'],
      ],
    ],
    ['o', 'elem[0].val', 'ENOENT', [['1.1.1.1', 'nothing']]],
  ];
  for (const [name, path, code, elem] of cases) {
    const err = await failureOf(() => commit(f, (tx) => tx.add({ element: { ...place, name, elem } })));
    assert.deepEqual([err.code, err.operation?.path], [code, path], err.message);
  }
});

test('somebody else commits between the look and the batch: looked at again', async () => {
  await using f = await fixture('set s { type ipv4_addr; }');
  for (let i = 0; i < 8; i++) {
    const type = i % 2 === 0 ? 'inet_service' : 'ipv4_addr';
    const tx = f.nft.transaction();
    tx.add(elements(...(i % 2 === 0 ? [80] : ['1.1.1.1'])));
    // The first steps run on another thread while nft keeps this one waiting.
    const committed = tx.commit();
    f.must('nft', ['-f', '-'], { input: `delete set ip t s\nadd set ip t s { type ${type}; }\n` });
    await committed.catch(async (err: { code: string }) => {
      // Looked at before nft's commit: the element is none of the old type.
      assert.equal(err.code, 'ERR_INVALID_ARG');
      await commit(f, (again) => again.add(elements(...(i % 2 === 0 ? [80] : ['1.1.1.1']))));
    });
    assert.equal(listed(f), i % 2 === 0 ? '80' : '1.1.1.1');
  }
});

test('a set that is there with another type is not added', async () => {
  await using f = await fixture('set s { type ipv4_addr; }');
  const err = await failureOf(() =>
    commit(
      f,
      (tx) => tx.add(setS({ type: 'mark' })),
      (tx) => tx.add(elements(7)),
    ),
  );
  assert.deepEqual([err.code, err.operation?.index, err.operation?.path], ['EEXIST', 0, 'name']);
});

test('the element for all other keys', async () => {
  await using f = await fixture('map s { type ipv4_addr : mark; flags interval; }');
  await commit(f, (tx) => tx.add(elements(['10.0.0.0/8', 1], ['*', 2])));
  assert.equal(listed(f, 'map'), '10.0.0.0/8 : 0x00000001, * : 0x00000002');
  await commit(
    f,
    (tx) => tx.delete(elements('*')),
    (tx) => tx.delete(elements(['10.0.0.0/8', 1])),
  );
  assert.equal(listed(f, 'map'), '');
});

test('a conditional transaction stays conditional', async () => {
  await using f = await fixture('set s { type ipv4_addr; }');
  const { generation } = f.nft.snapshotSync();
  const tx = f.nft.transaction({ generation: generation as number });
  tx.add(elements('1.1.1.1'));
  f.must('nft', ['add', 'table', 'ip', 'other']);
  assert.equal((await failureOf(() => tx.commit())).code, 'ERESTART');
});

function packed(n: number, first: number): Uint8Array {
  const keys = new Uint8Array(4 * n);
  const view = new DataView(keys.buffer);
  for (let i = 0; i < n; i++) view.setUint32(i * 4, first + i);
  return keys;
}

/** NFTA_SET_COUNT of set s. */
function count(f: NftFixture): number {
  const connection = runSync(Connection.open(f.ns.path));
  try {
    return runSync(readSet(connection, { ...place, family: familyNumber(FAMILY) })).count ?? -1;
  } finally {
    connection.closeSync();
  }
}
