// What the elements of a set have counted, beside what nft lists: every kind of set, each element by its own name.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { type CountedElement, type ElementInput, type NamedCounters, Nftables, type ObjectInput } from '../../lib/index.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

interface SetCase {
  readonly name: string;
  /** Between the braces of its declaration. */
  readonly declaration: string;
  readonly elements: readonly string[];
  readonly data?: string;
}
interface Shown {
  readonly prefix?: { readonly addr: string; readonly len: number };
  readonly range?: readonly string[];
}
const V4 = 'type ipv4_addr; flags interval;';
const cases: readonly SetCase[] = [
  { name: 'hash', declaration: 'type ipv4_addr;', elements: ['10.0.0.1', '10.0.0.2', '200.0.0.1'] },
  { name: 'ports', declaration: 'type inet_service;', elements: ['22', '80', '65535'] },
  { name: 'pairs', declaration: 'type ipv4_addr . inet_service;', elements: ['10.0.0.1 . 80', '10.0.0.1 . 443'] },
  { name: 'prefixes', declaration: V4, elements: ['10.0.0.0/24', '10.2.0.0/16', '224.0.0.0/3'] },
  { name: 'ranges', declaration: V4, elements: ['0.0.0.0-0.0.0.9', '10.1.0.1-10.1.0.9', '10.1.0.11'] },
  { name: 'touching', declaration: V4, elements: ['10.0.0.0-10.0.0.4', '10.0.0.5-10.0.0.7', '10.0.0.8', '10.0.0.9-10.0.0.200'] },
  { name: 'merged', declaration: `${V4} auto-merge;`, elements: ['10.0.0.0/24', '10.0.2.0/24', '10.0.9.9'] },
  { name: 'one', declaration: V4, elements: ['10.0.0.0/24'] },
  { name: 'one_address', declaration: V4, elements: ['10.0.0.1'] },
  { name: 'last', declaration: V4, elements: ['255.255.255.255'] },
  { name: 'everything', declaration: V4, elements: ['0.0.0.0/0'] },
  {
    name: 'six',
    declaration: 'type ipv6_addr; flags interval;',
    elements: ['::/24', '2001:db8::/32', '2001:db9::1-2001:db9::ff', 'fe80::1'],
  },
  { name: 'service_ranges', declaration: 'type inet_service; flags interval;', elements: ['1-1023', '1024', '8000-8080'] },
  { name: 'marks', declaration: 'type mark; flags interval;', elements: ['0x00000001-0x00000010', '0x00010000'] },
  {
    name: 'boxes',
    declaration: 'type ipv4_addr . inet_service; flags interval;',
    elements: ['10.0.0.0/24 . 1-5', '10.0.1.0/25 . 7', '10.0.2.1-10.0.2.9 . 80-90', '10.0.3.3 . 22'],
  },
  { name: 'verdicts', declaration: 'type ipv4_addr : verdict;', elements: ['1.1.1.1', '2.2.2.2', '*'], data: 'accept' },
  {
    name: 'nets',
    declaration: 'type ipv4_addr : verdict; flags interval;',
    elements: ['1.1.1.0/24', '1.1.2.0/24', '2.2.2.2', '*'],
    data: 'drop',
  },
  {
    name: 'box_marks',
    declaration: 'type ipv4_addr . inet_service : mark; flags interval;',
    elements: ['10.0.0.0/24 . 1-5', '10.0.0.0/24 . 7'],
    data: '0x7',
  },
  {
    name: 'net_ports',
    declaration: 'type ipv4_addr : inet_service; flags interval;',
    elements: ['10.0.0.0/24', '10.0.2.0-10.0.2.9'],
    data: '80',
  },
];
const where = (name: string): { readonly family: 'inet'; readonly table: 't'; readonly name: string } => ({
  family: 'inet',
  table: 't',
  name,
});

function declared({ name, declaration, elements, data }: SetCase): string {
  const text = elements.map((e, i) => `${e} counter packets ${i + 1} bytes ${100 * (i + 1)}${data === undefined ? '' : ` : ${data}`}`);
  return `${data === undefined ? 'set' : 'map'} ${name} { ${declaration} counter; elements = { ${text.join(', ')} } }`;
}

/** nft's elements that count, as text of equal order. */
async function listed(ns: TestNamespace, { name, data }: SetCase): Promise<string[]> {
  const kind = data === undefined ? 'set' : 'map';
  const { nftables } = JSON.parse(await ns.must('nft', ['-j', 'list', kind, 'inet', 't', name])) as {
    nftables: { [kind: string]: { elem?: unknown[] } }[];
  };
  const elements = nftables.map((o) => o[kind]).find((o) => o !== undefined)?.elem ?? [];
  return elements.map((e) => JSON.stringify(e)).sort();
}

function rowsOf(counters: NamedCounters<CountedElement>): string[] {
  return Array.from({ length: counters.length }, (_, i) => {
    const { element } = counters.row(i);
    const key = Array.isArray(element) ? (element as unknown[])[0] : element;
    const { counter } = (key as { elem: { counter: unknown } }).elem;
    assert.deepEqual(counter, { packets: Number(counters.packets[i]), bytes: Number(counters.bytes[i]) });
    return JSON.stringify(element);
  }).sort();
}

describe('elementCounters', () => {
  it('of every kind of set: the elements that nft lists, each with its counter', async () => {
    await withNamespace(async (ns) => {
      await ns.must('nft', ['-f', '-'], { input: `table inet t {\n${cases.map(declared).join('\n')}\n}\n` });
      await using nft = await Nftables.open({ netns: ns.path });
      for (const set of cases) {
        const expected = await listed(ns, set);
        assert.equal(expected.length, set.elements.length, set.name);
        assert.deepEqual(rowsOf(await nft.elementCounters(where(set.name))), expected, set.name);
        assert.deepEqual(rowsOf(nft.elementCountersSync(where(set.name))), expected, set.name);
      }
    });
  });

  it('leaves out elements that don’t count, which still end their neighbours’ ranges, and finds a counter beside other statements', async () => {
    await withNamespace(async (ns) => {
      await using nft = await Nftables.open({ netns: ns.path });
      const elem = (val: string, statements = {}): ElementInput => ({ elem: { val, ...statements } });
      const set = (name: string, more: object): ObjectInput => ({
        set: { ...where(name), type: 'ipv4_addr', flags: ['interval'], ...more },
      });
      const tx = nft.transaction();
      tx.add({ table: { family: 'inet', name: 't' } });
      const counted = (packets: number): object => ({ counter: { packets, bytes: packets * 100 } });
      tx.add(
        set('mixed', {
          elem: [elem('10.0.0.0-10.0.0.4', counted(1)), '10.0.0.5-10.0.0.7', elem('10.0.0.8-10.0.0.9', counted(2)), '10.0.1.0/24'],
        }),
      );
      const quota = { quota: { val: 10, val_unit: 'mbytes' } };
      const stmt = [{ quota: { val: 10, val_unit: 'mbytes' } }, { counter: null }];
      tx.add(
        set('both', { stmt, elem: [elem('10.0.0.0/24', { ...quota, ...counted(3) }), elem('10.0.1.0/24', { ...quota, ...counted(4) })] }),
      );
      await tx.commit();
      for (const [name, elements, expected] of [
        ['mixed', 4, ['10.0.0.0-10.0.0.4 1', '10.0.0.8/31 2']],
        ['both', 2, ['10.0.0.0/24 3', '10.0.1.0/24 4']],
      ] as const) {
        assert.equal(await nft.elementCount(where(name)), elements);
        const rows = await nft.elementCounters(where(name));
        const shown = Array.from({ length: rows.length }, (_, i) => {
          const { val, counter } = (rows.row(i).element as { elem: { val: Shown; counter: unknown } }).elem;
          assert.deepEqual(counter, { packets: Number(rows.packets[i]), bytes: Number(rows.bytes[i]) });
          return `${val.prefix === undefined ? val.range?.join('-') : `${val.prefix.addr}/${val.prefix.len}`} ${rows.packets[i]}`;
        });
        assert.deepEqual(shown.sort(), expected, name);
      }
    });
  });

  it('of a set of many messages: each row is its element, wherever one looks first', async () => {
    const many = Array.from({ length: 6000 }, (_, i) => `10.${i >> 8}.${i & 255}`);
    const sets = [
      { name: 'nets', declaration: V4, elements: many.map((a) => `${a}.0/24`) },
      { name: 'halves', declaration: V4, elements: many.map((a) => `${a}.0/25`) },
      { name: 'addresses', declaration: 'type ipv4_addr;', elements: many.map((a) => `${a}.1`) },
    ];
    await withNamespace(async (ns) => {
      await ns.must('nft', ['-f', '-'], { input: `table inet t {\n${sets.map(declared).join('\n')}\n}\n` });
      await using nft = await Nftables.open({ netns: ns.path });
      for (const { name, elements } of sets) {
        const counters = await nft.elementCounters(where(name));
        assert.equal(counters.length, elements.length, name);
        for (const i of [4321, 0, 5999, 77]) {
          const row = counters.indexOf({ element: elements[i] as string });
          assert.deepEqual([counters.packets[row], counters.bytes[row]], [BigInt(i + 1), BigInt(100 * (i + 1))], `${name} ${i}`);
        }
        const shown = Array.from({ length: counters.length }, (_, row) => {
          const { val } = (counters.row(row).element as { elem: { val: string | Shown } }).elem;
          return `${typeof val === 'string' ? val : `${val.prefix?.addr}/${val.prefix?.len}`} ${counters.packets[row]}`;
        });
        assert.deepEqual(shown.sort(), elements.map((e, i) => `${e} ${i + 1}`).sort(), name);
        for (const bad of [-1, counters.length, 0.5, Number.NaN]) assert.throws(() => counters.row(bad), RangeError);
      }
    });
  });

  it('finds an element by any of the forms it is written in, and by what a row or a snapshot shows', async () => {
    await withNamespace(async (ns) => {
      await ns.must('nft', ['-f', '-'], {
        input: `table inet t {\n${cases.map(declared).join('\n')}
          set names { type ifname; flags interval; counter; elements = { "eth*", "lo" } }\n}\n`,
      });
      await using nft = await Nftables.open({ netns: ns.path });
      const found = async (set: string, element: ElementInput): Promise<bigint | undefined> => {
        const counters = await nft.elementCounters(where(set));
        const row = counters.indexOf({ element });
        return row < 0 ? undefined : counters.packets[row];
      };
      const table = (await nft.snapshot()).table('inet', 't');
      for (const { name } of cases) {
        const counters = await nft.elementCounters(where(name));
        for (let i = 0; i < counters.length; i++) assert.equal(counters.indexOf({ element: counters.row(i).element }), i, name);
        const shown = table?.sets.find((s) => s.name === name)?.elem ?? [];
        assert.deepEqual(shown.map((element) => counters.indexOf({ element })).sort(), [...counters.packets.keys()], name);
        assert.deepEqual(
          [counters.indexOf({}), counters.indexOf({ elem: 1 } as never), counters.indexOf({ element: undefined as never })],
          [0, -1, -1],
        );
      }
      const last = '255.255.255.255';
      for (const [set, packets, ...forms] of [
        [
          'hash',
          2n,
          '10.0.0.2',
          { elem: { val: '10.0.0.2' } },
          { elem: { val: '10.0.0.2', comment: 'x', timeout: 5 } },
          Uint8Array.of(10, 0, 0, 2),
        ],
        [
          'hash',
          undefined,
          '10.0.0.3',
          '*',
          'nonsense',
          '10.0.0.0/24',
          7.5,
          {},
          { prefix: { addr: '10.0.0.2', len: 40 } },
          { concat: ['10.0.0.2', 80] },
        ],
        ['ports', 2n, 80, '80', 80n, '0x50', { elem: { val: 80 } }],
        ['ports', undefined, 81, 65536, -1, '10.0.0.1'],
        [
          'pairs',
          1n,
          { concat: ['10.0.0.1', 80] },
          '10.0.0.1 . 80',
          { concat: ['10.0.0.1', '80'] },
          { elem: { val: { concat: ['10.0.0.1', 80] } } },
        ],
        ['pairs', undefined, { concat: ['10.0.0.1', 81] }, { concat: ['10.0.0.1'] }, '10.0.0.1'],
        [
          'prefixes',
          1n,
          '10.0.0.0/24',
          { prefix: { addr: '10.0.0.0', len: 24 } },
          '10.0.0.0-10.0.0.255',
          { range: ['10.0.0.0', '10.0.0.255'] },
        ],
        ['prefixes', undefined, '10.0.0.0', '10.0.0.0/25', '10.0.0.7', '10.0.0.0/16'],
        ['ranges', 2n, '10.1.0.1-10.1.0.9', { range: ['10.1.0.1', '10.1.0.9'] }, { elem: { val: { range: ['10.1.0.1', '10.1.0.9'] } } }],
        ['ranges', 3n, '10.1.0.11', '10.1.0.11/32', { range: ['10.1.0.11', '10.1.0.11'] }],
        ['last', 1n, last],
        ['everything', 1n, '0.0.0.0/0', `0.0.0.0-${last}`],
        ['six', 2n, '2001:db8::/32', '2001:0DB8:0::/32', { prefix: { addr: '2001:db8::', len: 32 } }],
        ['six', 4n, 'fe80::1', 'fe80:0:0:0:0:0:0:1'],
        ['marks', 1n, '1-16', { range: [1, 16] }, '0x1-0x10'],
        ['boxes', 1n, '10.0.0.0/24 . 1-5', { concat: [{ prefix: { addr: '10.0.0.0', len: 24 } }, { range: [1, 5] }] }],
        ['boxes', undefined, '10.0.0.0/24 . 1-6', '10.0.0.0 . 1'],
        ['names', 0n, 'eth*', 'lo'],
        [
          'verdicts',
          2n,
          '2.2.2.2',
          ['2.2.2.2', { accept: null }],
          [{ elem: { val: '2.2.2.2' } }, { accept: null }],
          { elem: { val: ['2.2.2.2', { accept: null }] } },
        ],
        ['verdicts', 3n, '*', ['*', { accept: null }]],
        ['verdicts', undefined, ['2.2.2.2', { drop: null }], ['2.2.2.2'] as never, ['*', { drop: null }]],
        ['nets', 2n, '1.1.2.0/24', ['1.1.2.0/24', { drop: null }]],
        ['net_ports', 2n, '10.0.2.0-10.0.2.9', ['10.0.2.0-10.0.2.9', 80]],
        ['net_ports', undefined, ['10.0.2.0-10.0.2.9', 81], '*'],
      ] as readonly [string, bigint | undefined, ...ElementInput[]][]) {
        for (const form of forms) assert.equal(await found(set, form), packets, `${set}: ${inspect(form)}`);
      }
    });
  });
});
