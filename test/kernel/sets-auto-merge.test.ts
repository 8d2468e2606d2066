// Sets with auto-merge, whose elements nflink reads before it writes: what a transaction has emptied before is not merged
// again, and errors name the operation whose element it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ElementInput, Nftables, ObjectInput, SetObject } from '../../lib/index.ts';
import { FAMILY, failureOf, NftFixture, TABLE, tableT } from '../support/nft.ts';

type Transaction = ReturnType<Nftables['transaction']>;
const place = { family: FAMILY, table: TABLE, name: 's' } as const;
const setS = (more: Partial<SetObject> = {}): ObjectInput => ({
  set: { ...place, type: 'ipv4_addr', flags: ['interval'], 'auto-merge': true, ...more },
});
const elements = (...elem: readonly ElementInput[]): ObjectInput => ({ element: { ...place, elem } });
const strict = (...elem: readonly ElementInput[]): ObjectInput => ({ element: { ...place, elem, strict: true } });
const address = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;

/** Table t, and in it set s with these elements. */
async function fixture(elem: string, more = ''): Promise<NftFixture> {
  const f = await NftFixture.create();
  const list = elem === '' ? '' : `elements = { ${elem} }`;
  f.must('nft', ['-f', '-'], { input: `table ip t {\n set s { type ipv4_addr; flags interval; ${more} auto-merge; ${list} }\n}\n` });
  return f;
}
function listed(f: NftFixture): string {
  const text = f.must('nft', ['list', 'set', FAMILY, TABLE, 's']);
  return /elements = \{([^}]*)\}/.exec(text)?.[1]?.replaceAll(/\s+/g, ' ').trim() ?? '';
}
async function commit(f: NftFixture, write: (tx: Transaction) => void): Promise<void> {
  const tx = f.nft.transaction();
  write(tx);
  await tx.commit();
}

const tableHandle = (f: NftFixture): bigint => handleIn(f, /^table .*# handle (\d+)/m);
const setHandle = (f: NftFixture): bigint => handleIn(f, /^\s+set s .*# handle (\d+)/m);
const handleIn = (f: NftFixture, pattern: RegExp): bigint => BigInt(pattern.exec(f.listing())?.[1] ?? assert.fail(f.listing()));

const emptyings: readonly (readonly [what: string, empty: (tx: Transaction, f: NftFixture) => void])[] = [
  ['the table is deleted', (tx) => tx.delete(tableT)],
  ['the table is destroyed', (tx) => tx.destroy(tableT)],
  ['the table is deleted by its handle', (tx, f) => tx.delete({ table: { family: FAMILY, handle: tableHandle(f) } } as ObjectInput)],
  ['the ruleset is flushed', (tx) => tx.flush({ ruleset: {} })],
  ['the family is flushed', (tx) => tx.flush({ ruleset: { family: FAMILY } })],
  ['the set is deleted', (tx) => tx.delete(setS())],
  [
    'the set is deleted by its handle',
    (tx, f) => tx.delete({ set: { family: FAMILY, table: TABLE, handle: setHandle(f) } } as unknown as ObjectInput),
  ],
  ['the set is flushed', (tx) => tx.flush(setS())],
];
for (const [what, empty] of emptyings) {
  test(`when ${what} the new elements are all there is`, async () => {
    for (const old of ['10.0.0.10-10.0.0.40', '10.0.0.10-10.0.0.20, 10.0.0.50-10.0.0.60', '10.0.0.15-10.0.0.30']) {
      for (const inline of [true, false]) {
        await using f = await fixture(old);
        await commit(f, (tx) => {
          empty(tx, f);
          tx.add(tableT);
          tx.add(setS(inline ? { elem: ['10.0.0.15-10.0.0.30'] } : {}));
          if (!inline) tx.add(elements('10.0.0.15-10.0.0.30'));
          tx.add(elements('10.0.0.31'));
        });
        assert.equal(listed(f), '10.0.0.15-10.0.0.31', `${old}, ${inline ? 'inline' : 'added'}`);
      }
    }
  });
}

test('what was added before the table is deleted is gone, what is added after is there', async () => {
  await using f = await fixture('10.0.0.10-10.0.0.20');
  await commit(f, (tx) => {
    tx.add(setS({ elem: ['10.0.0.21'] }));
    tx.delete(tableT);
    tx.add(tableT);
    tx.add(setS());
    tx.add(elements('10.0.0.22'));
    tx.flush(setS());
    tx.add(elements('10.0.0.24'));
    tx.flush({ ruleset: {} });
    tx.add(tableT);
    tx.create(setS({ elem: ['10.0.0.26'] }));
    tx.add(elements('10.0.0.27'));
  });
  assert.equal(listed(f), '10.0.0.26/31');
});

test('a set that is added again is the same set', async () => {
  await using f = await fixture('10.0.0.10-10.0.0.20');
  await commit(f, (tx) => {
    tx.add(elements('10.0.0.21'));
    tx.add(setS({ elem: ['10.0.0.18-10.0.0.22'] }));
    tx.add(setS({ elem: ['10.0.0.20-10.0.0.24'] }));
    tx.delete(elements('10.0.0.10'));
  });
  assert.equal(listed(f), '10.0.0.11-10.0.0.24');
});

test('a set flushed twice holds what came after the second time', async () => {
  await using f = await fixture('10.0.0.10-10.0.0.20');
  await commit(f, (tx) => {
    tx.flush(setS());
    tx.add(elements('10.0.0.1', '10.0.0.3'));
    tx.flush(setS());
    tx.add(elements('10.0.0.4'));
  });
  assert.equal(listed(f), '10.0.0.4');
});

test("another table's, family's or set's deletion empties nothing here", async () => {
  await using f = await fixture('10.0.0.10-10.0.0.20');
  f.must('nft', ['-f', '-'], { input: 'add table ip other\nadd table ip6 t\nadd set ip t z { type mark; }\n' });
  const z = handleIn(f, /^\s+set z .*# handle (\d+)/m);
  const other = handleIn(f, /^table ip other .*# handle (\d+)/m);
  await commit(f, (tx) => {
    tx.add(elements('10.0.0.21'));
    tx.delete({ table: { family: FAMILY, handle: other } } as ObjectInput);
    tx.delete({ set: { family: FAMILY, table: TABLE, handle: z } } as unknown as ObjectInput);
    tx.flush({ ruleset: { family: 'ip6' } });
    tx.add(elements('10.0.0.22'));
    tx.delete(elements('10.0.0.10-10.0.0.12'));
  });
  assert.equal(listed(f), '10.0.0.13-10.0.0.22');
});

test('errors name the operation whose element the kernel refuses', async () => {
  await using f = await fixture('', 'size 3;');
  const four = ['10.0.0.1', '10.0.0.3', '10.0.0.5', '10.0.0.7'];
  const err = await failureOf(() =>
    commit(f, (tx) => {
      tx.add(elements(...four));
      tx.add(elements('10.0.0.9'));
    }),
  );
  assert.deepEqual([err.code, err.operation?.index, err.operation?.path], ['ENFILE', 0, 'elem[3].val'], err.message);
  assert.deepEqual(err.operation?.object, elements(...four));
  const later = await failureOf(() =>
    commit(f, (tx) => {
      tx.add(elements('10.0.0.1', '10.0.0.3'));
      tx.add(elements('10.0.0.0', '10.0.0.5', '10.0.0.7'));
    }),
  );
  assert.deepEqual([later.code, later.operation?.index, later.operation?.path], ['ENFILE', 1, 'elem[2].val'], later.message);
});

test('a deletion that makes more ranges than the set has room for is named by its element', async () => {
  await using f = await fixture('10.0.0.0-10.0.0.20', 'size 2;');
  const err = await failureOf(() =>
    commit(f, (tx) => {
      tx.delete(elements('10.0.0.5', '10.0.0.7', '10.0.0.9'));
      tx.add(elements('10.0.0.20'));
    }),
  );
  assert.deepEqual([err.code, err.operation?.index, err.operation?.path], ['ENFILE', 0, 'elem[2].val'], err.message);
});

test('deleting what is not there is ENOENT, creating what is there EEXIST', async () => {
  await using f = await fixture('10.0.0.10-10.0.0.20, 10.0.0.30');
  const cases: readonly (readonly [code: string, index: number, path: string, write: (tx: Transaction) => void])[] = [
    ['ENOENT', 0, 'elem[1].val', (tx) => tx.delete(elements('10.0.0.12', '10.0.0.9'))],
    ['ENOENT', 0, 'elem[0].val', (tx) => tx.delete(strict('10.0.0.20-10.0.0.21'))],
    ['ENOENT', 0, 'elem[1].val', (tx) => tx.delete(elements('10.0.0.10-10.0.0.12', '10.0.0.12'))],
    ['ENOENT', 1, 'elem[0].val', (tx) => [tx.delete(elements('10.0.0.12')), tx.delete(elements('10.0.0.12')), tx.add(elements('1.1.1.1'))]],
    ['ENOENT', 1, 'elem[0].val', (tx) => [tx.destroy(elements('10.0.0.12')), tx.delete(elements('10.0.0.10-10.0.0.20'))]],
    ['EEXIST', 0, 'elem[1].val', (tx) => tx.create(elements('10.0.0.9', '10.0.0.12'))],
    ['EEXIST', 0, 'elem[0].val', (tx) => tx.create(elements('10.0.0.10-10.0.0.20'))],
    ['EEXIST', 1, 'elem[0].val', (tx) => [tx.add(elements('10.0.0.50')), tx.create(elements('10.0.0.50'))]],
  ];
  const before = listed(f);
  for (const [code, index, path, write] of cases) {
    const err = await failureOf(() => commit(f, write));
    assert.deepEqual([err.code, err.operation?.index, err.operation?.path, err.outcome], [code, index, path, 'not-applied'], err.message);
    assert.equal(err.errno, code === 'ENOENT' ? -2 : -17);
  }
  assert.equal(listed(f), before);
  await commit(f, (tx) => {
    tx.add(elements('10.0.0.30'));
    tx.create(elements('10.0.0.31', '10.0.0.21'));
    tx.delete(elements('10.0.0.10'));
    tx.create(elements('10.0.0.10'));
    tx.destroy(elements('10.0.0.15', '10.0.0.99'));
  });
  assert.equal(listed(f), '10.0.0.10-10.0.0.14, 10.0.0.16-10.0.0.21, 10.0.0.30/31');
});

test('what is deleted and added again is new, what is added twice has what came last', async () => {
  await using f = await fixture('10.0.0.10-10.0.0.20 comment "old", 10.0.0.30 comment "kept"');
  await commit(f, (tx) => {
    tx.delete(elements('10.0.0.10-10.0.0.20'));
    tx.add(elements({ elem: { val: '10.0.0.10-10.0.0.20', comment: 'new' } }));
    tx.add(elements('10.0.0.31'));
    tx.add(elements({ elem: { val: '10.0.0.50', comment: 'one' } }));
    tx.add(elements({ elem: { val: '10.0.0.50', comment: 'two' } }));
  });
  assert.equal(listed(f), '10.0.0.10-10.0.0.20 comment "new", 10.0.0.30/31 comment "kept", 10.0.0.50 comment "two"');
});

test('with timeouts an absent element may be deleted, unless strict', async () => {
  await using f = await fixture('10.0.0.10 timeout 1h', 'flags interval,timeout;');
  await commit(f, (tx) => tx.delete(elements('10.0.0.10', '10.0.0.12')));
  const err = await failureOf(() => commit(f, (tx) => tx.delete(strict('10.0.0.12'))));
  assert.deepEqual([err.code, err.operation?.path], ['ENOENT', 'elem[0].val']);
  assert.equal(listed(f), '');
});

test('ranges that touch hold what lies across them', async () => {
  await using f = await fixture('');
  // Without auto-merge in this very addition the kernel keeps two ranges side by side.
  f.must('nft', ['-f', '-'], {
    input: 'delete set ip t s\nadd set ip t s { type ipv4_addr; flags interval; }\nadd element ip t s { 10.0.0.0/8, 11.0.0.0/8 }\n',
  });
  await commit(f, (tx) => {
    tx.add(setS());
    tx.delete(elements('10.255.255.255-11.0.0.0'));
  });
  assert.equal(listed(f), '10.0.0.0-10.255.255.254, 11.0.0.1-11.255.255.255');
});

test('a constant set whose elements overlap has room for what they are merged to', async () => {
  await using f = await fixture('');
  await commit(f, (tx) => tx.create(setS({ name: 'k', flags: ['interval', 'constant'], elem: ['10.0.0.0/8', '10.1.0.0/16', '11.0.0.1'] })));
  assert.match(f.must('nft', ['list', 'set', FAMILY, TABLE, 'k']).replaceAll(/\s+/g, ' '), /elements = \{ 10\.0\.0\.0\/8, 11\.0\.0\.1 \}/);
});

test('2,000 deleted of 20,000, and 300 added to 50,000 one by one', async () => {
  await using f = await fixture('');
  const even = (n: number): string[] => Array.from({ length: n }, (_, i) => address(i * 2));
  await commit(f, (tx) => tx.add(elements(...even(20_000))));
  await commit(f, (tx) => tx.delete(elements(...even(20_000).filter((_, i) => i % 10 === 0))));
  assert.equal(listed(f).split(',').length, 18_000);
  await commit(f, (tx) => {
    tx.flush(setS());
    tx.add(elements(...even(50_000)));
  });
  await commit(f, (tx) => {
    for (let i = 0; i < 300; i++) tx.add(elements(address(200_000 + i * 2)));
  });
  assert.equal(listed(f).split(',').length, 50_300);
});

// The times are far apart: what is left of them tells which one a range has.
const lives: readonly (readonly [
  what: string,
  held: string,
  add: readonly (readonly [val: string, timeout?: number])[],
  wanted: string,
])[] = [
  ['a permanent address makes a range permanent', '10.0.0.1-10.0.0.9 timeout 50s', [['10.0.0.10']], '10.0.0.1-10.0.0.10'],
  ['a longer time wins where the range grows', '10.0.0.1-10.0.0.9 timeout 50s', [['10.0.0.10', 500]], '10.0.0.1-10.0.0.10 timeout 8m20s'],
  ['what grows below wins too', '10.0.0.5-10.0.0.9 timeout 50s', [['10.0.0.4', 500]], '10.0.0.4-10.0.0.9 timeout 8m20s'],
  [
    'several ranges become one that is permanent',
    '10.0.0.0-10.0.0.3 timeout 50s, 10.0.0.7-10.0.0.9 timeout 1h, 10.0.0.12-10.0.0.20 timeout 50s',
    [['10.0.0.2-10.0.0.15']],
    '10.0.0.0-10.0.0.20',
  ],
];
for (const [what, held, add, wanted] of lives) {
  test(`${what}, as with nft`, async () => {
    const input = `table ip t { set s { type ipv4_addr; flags interval,timeout; auto-merge; elements = { ${held} }; }; }\n`;
    const shown = (f: NftFixture): string => listed(f).replaceAll(/ expires \w+/g, '');
    await using ours = await NftFixture.create();
    await using theirs = await NftFixture.create();
    for (const f of [ours, theirs]) f.must('nft', ['-f', '-'], { input });
    await commit(ours, (tx) => {
      for (const [val, timeout] of add) tx.add({ element: { ...place, elem: [timeout === undefined ? val : { elem: { val, timeout } }] } });
    });
    for (const [val, timeout] of add)
      theirs.must('nft', ['add', 'element', 'ip', 't', 's', `{ ${val}${timeout === undefined ? '' : ` timeout ${timeout}s`} }`]);
    assert.equal(shown(ours), wanted);
    assert.equal(shown(theirs), wanted, 'nft itself');
  });
}

test('a refresh holds for what a later operation of the same transaction joins or cuts', async () => {
  const input =
    'table ip t { set s { type ipv4_addr; flags interval,timeout; auto-merge; elements = { 10.0.0.1-10.0.0.9 timeout 50s }; }; }\n';
  const refresh = { element: { ...place, elem: [{ elem: { val: { range: ['10.0.0.1', '10.0.0.9'] }, timeout: 500 } }] } } as const;
  for (const [then, wanted] of [
    [
      (tx: Transaction) => tx.add({ element: { ...place, elem: [{ elem: { val: '10.0.0.10', timeout: 500 } }] } }),
      '10.0.0.1-10.0.0.10 timeout 8m20s',
    ],
    [
      (tx: Transaction) => tx.delete({ element: { ...place, elem: ['10.0.0.5'] } }),
      '10.0.0.1-10.0.0.4 timeout 8m20s, 10.0.0.6-10.0.0.9 timeout 8m20s',
    ],
  ] as const) {
    await using f = await NftFixture.create();
    f.must('nft', ['-f', '-'], { input });
    await commit(f, (tx) => {
      tx.add(refresh);
      then(tx);
    });
    assert.equal(listed(f).replaceAll(/ expires \w+/g, ''), wanted);
  }
});
