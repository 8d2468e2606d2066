// The matrix of objects and verbs: every pair there is does what it says on this kernel, as nft or a raw dump shows; every
// pair there isn't is refused by name. A kind or verb that is added without a proof here fails.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { expressions, type Family, type NftRule, type NftTransaction, type ObjectInput, type ResetValue } from '../../lib/index.ts';
import { kinds, whyNot } from '../../lib/nftables/input/index.ts';
import type { VerbName } from '../../lib/nftables/input/types.ts';
import { chainTable } from '../../lib/nftables/objects/chain.ts';
import * as m from '../../lib/nftables/objects/messages.ts';
import { objectTable } from '../../lib/nftables/objects/object.ts';
import { setTable } from '../../lib/nftables/objects/set.ts';
import { tableTable } from '../../lib/nftables/objects/table.ts';
import { root } from '../support/fixtures.ts';
import { failureOf, NftFixture, ruleNamed } from '../support/nft.ts';
import { kernelSays } from '../support/raw-batch.ts';

const { counter } = expressions;
const verbs: readonly VerbName[] = ['add', 'create', 'insert', 'replace', 'delete', 'destroy', 'flush', 'rename', 'reset'];
type Words = Readonly<Record<string, unknown>>;
type Proof = (f: NftFixture) => void | Promise<void>;

function commit(f: NftFixture, build: (tx: NftTransaction) => void): void {
  const tx = f.nft.transaction();
  build(tx);
  tx.commitSync();
}
async function refusal(f: NftFixture, build: (tx: NftTransaction) => void): Promise<string> {
  const err = await failureOf(() => commit(f, build));
  assert.equal(err.outcome, 'not-applied');
  return err.code;
}
/** What a reset read. */
function reset(f: NftFixture, o: ObjectInput): ResetValue | undefined {
  const tx = f.nft.transaction();
  const op = tx.reset(o);
  return tx.commitSync().reset(op);
}
function with_(f: NftFixture, ...objects: readonly ObjectInput[]): void {
  commit(f, (tx) => {
    for (const o of objects) tx.add(o);
  });
}
const listed = (f: NftFixture): Words[] => (JSON.parse(f.must('nft', ['-j', 'list', 'ruleset'])) as { nftables: Words[] }).nftables;
const counted = (packets: bigint, bytes: bigint): ReturnType<typeof counter> => counter({ packets, bytes });

const table = { table: { family: 'inet', name: 't' } } as const;
const inT = { family: 'inet', table: 't', name: 'o' } as const;
const netdevTable = { table: { family: 'netdev', name: 't' } } as const;
const inNetdev = { ...inT, family: 'netdev' } as const;
const chain = { chain: { ...inT } } as const;

/** Things with a name: what is there before, and an example. nft 1.0.6 aborts when it lists a tunnel or a connlimit object. */
interface Thing {
  readonly before: readonly ObjectInput[];
  readonly object: ObjectInput;
  readonly unlisted?: true;
  /** This kernel lacks it: adding is refused. */
  readonly lacking?: true;
}
const things: Readonly<Record<string, Thing>> = {
  table: { before: [], object: table },
  chain: { before: [table], object: chain },
  counter: { before: [table], object: { counter: { ...inT, packets: 3, bytes: 4 } } },
  quota: { before: [table], object: { quota: { ...inT, bytes: 1000, used: 7 } } },
  limit: { before: [table], object: { limit: { ...inT, rate: 5 } } },
  'ct helper': { before: [table], object: { 'ct helper': { ...inT, type: 'ftp', protocol: 'tcp', l3proto: 'ip' } } },
  'ct timeout': { before: [table], object: { 'ct timeout': { ...inT, protocol: 'tcp', l3proto: 'ip', policy: { close: 3 } } } },
  'ct expectation': {
    before: [table],
    object: { 'ct expectation': { ...inT, protocol: 'tcp', l3proto: 'ip', dport: 1, timeout: 2, size: 3 } },
  },
  synproxy: { before: [table], object: { synproxy: { ...inT, mss: 1460, wscale: 7 } } },
  connlimit: { before: [table], object: { connlimit: { ...inT, val: 3 } }, unlisted: true },
  tunnel: { before: [netdevTable], object: { tunnel: { ...inNetdev, id: 1, src: '192.0.2.1', dst: '192.0.2.2' } }, unlisted: true },
  secmark: { before: [table], object: { secmark: { ...inT, context: 'system_u:object_r:x_t:s0' } }, lacking: true },
  flowtable: { before: [table], object: { flowtable: { ...inT, hook: 'ingress', prio: 0, dev: 'lo' } }, lacking: true },
  set: { before: [table], object: { set: { ...inT, type: 'ipv4_addr' } } },
  map: { before: [table], object: { map: { ...inT, type: 'ipv4_addr', map: 'mark' } } },
};

function wordsOf(thing: Thing): { readonly kind: string; readonly words: Words } {
  const [kind, words] = Object.entries(thing.object)[0] as [string, Words];
  return { kind, words };
}
/** Its handle, where it is there. */
function handleOf(f: NftFixture, thing: Thing): number | undefined {
  const { kind, words } = wordsOf(thing);
  if (thing.unlisted) {
    const o = f.nft
      .snapshotSync()
      .table(words['family'] as Family, 't')
      ?.objects.find((x) => x.name === 'o' && x.kind === kind);
    return o?.handle === undefined ? undefined : Number(o.handle);
  }
  const found = listed(f).flatMap((o) => (o[kind] === undefined ? [] : [o[kind] as Words]));
  return found.find((o) => o['name'] === words['name'])?.['handle'] as number | undefined;
}
/** The same by handle instead of name. */
function byHandle(thing: Thing, handle: number): ObjectInput {
  const { kind, words } = wordsOf(thing);
  const { family, table: t } = words;
  return { [kind]: { family, ...(t === undefined ? {} : { table: t }), handle } } as unknown as ObjectInput;
}
function named(thing: Thing): ObjectInput {
  const { kind, words } = wordsOf(thing);
  const { family, table: t, name } = words;
  return { [kind]: { family, name, ...(t === undefined ? {} : { table: t }) } } as unknown as ObjectInput;
}

/** add, create, delete and destroy of a named thing. */
function lifecycle(thing: Thing): Readonly<Record<'add' | 'create' | 'delete' | 'destroy', Proof>> {
  if (thing.lacking) {
    const refused =
      (verb: 'add' | 'create' | 'delete'): Proof =>
      async (f) => {
        with_(f, ...thing.before);
        assert.equal(await refusal(f, (tx) => tx[verb](thing.object)), 'ENOENT');
      };
    return {
      add: refused('add'),
      create: refused('create'),
      delete: refused('delete'),
      destroy: (f) => {
        with_(f, ...thing.before);
        commit(f, (tx) => tx.destroy(named(thing)));
      },
    };
  }
  const gone =
    (verb: 'delete' | 'destroy'): Proof =>
    async (f) => {
      for (const by of ['name', 'handle'] as const) {
        with_(f, ...thing.before, thing.object);
        const handle = handleOf(f, thing);
        assert.ok(handle !== undefined);
        commit(f, (tx) => tx[verb](by === 'name' ? named(thing) : byHandle(thing, handle)));
        assert.equal(handleOf(f, thing), undefined, `by ${by}`);
        if (verb === 'destroy') commit(f, (tx) => tx.destroy(named(thing)));
        else assert.equal(await refusal(f, (tx) => tx.delete(named(thing))), 'ENOENT');
      }
    };
  return {
    add: (f) => {
      with_(f, ...thing.before, thing.object);
      const handle = handleOf(f, thing);
      assert.ok(handle !== undefined);
      with_(f, thing.object);
      assert.equal(handleOf(f, thing), handle);
    },
    create: async (f) => {
      with_(f, ...thing.before);
      commit(f, (tx) => tx.create(thing.object));
      assert.ok(handleOf(f, thing) !== undefined);
      assert.equal(await refusal(f, (tx) => tx.create(thing.object)), 'EEXIST');
    },
    delete: gone('delete'),
    destroy: gone('destroy'),
  };
}

const rule = ruleNamed;
const ruleBase: readonly ObjectInput[] = [{ table: { family: 'ip', name: 't' } }, { chain: { family: 'ip', table: 't', name: 'c' } }];
const firstRule = (f: NftFixture): NftRule => [...f.nft.snapshotSync().rules()][0] as NftRule;
const elements = (f: NftFixture, kind: 'set' | 'map'): unknown =>
  listed(f).flatMap((o) => (o[kind] === undefined ? [] : [(o[kind] as Words)['elem']]))[0];
const counting = { elem: { val: '192.0.2.1', counter: { packets: 5, bytes: 6 } } };
const zeroed = { elem: { val: '192.0.2.1', counter: { packets: 0, bytes: 0 } } };
const other = { elem: { val: '192.0.2.2', counter: { packets: 7, bytes: 8 } } };
const countingSet = { set: { ...inT, type: 'ipv4_addr', stmt: [{ counter: null }], elem: [counting, other] } } as unknown as ObjectInput;
const countingMap = {
  map: { ...inT, type: 'ipv4_addr', map: 'mark', stmt: [{ counter: null }], elem: [[counting, 5]] },
} as unknown as ObjectInput;
const byKey = (list: unknown): unknown[] => [...(list as unknown[])].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

const proofs: Record<string, Proof> = {
  ...Object.fromEntries(
    Object.entries(things).flatMap(([kind, thing]) => Object.entries(lifecycle(thing)).map(([verb, proof]) => [`${verb} ${kind}`, proof])),
  ),
  'flush ruleset': (f) => {
    with_(f, ...ruleBase, table, chain);
    commit(f, (tx) => tx.flush({ ruleset: { family: 'ip' } }));
    assert.deepEqual(
      listed(f).flatMap((o) => (o['table'] === undefined ? [] : [(o['table'] as Words)['family']])),
      ['inet'],
    );
    commit(f, (tx) => tx.flush({ ruleset: {} }));
    assert.equal(f.listing(), '');
  },
  'flush table': (f) => {
    with_(f, ...ruleBase, { chain: { family: 'ip', table: 't', name: 'd' } }, rule('1'), rule('2', 'd'));
    commit(f, (tx) => tx.flush({ table: { family: 'ip', name: 't' } }));
    assert.deepEqual([f.comments('c'), f.comments('d')], [[], []]);
    assert.equal(f.nft.snapshotSync().table('ip', 't')?.chains.length, 2);
  },
  'flush chain': (f) => {
    with_(f, ...ruleBase, { chain: { family: 'ip', table: 't', name: 'd' } }, rule('1'), rule('2', 'd'));
    commit(f, (tx) => tx.flush({ chain: { family: 'ip', table: 't', name: 'c' } }));
    assert.deepEqual([f.comments('c'), f.comments('d')], [[], ['2']]);
  },
  'rename chain': (f) => {
    with_(f, table, chain);
    commit(f, (tx) => tx.rename({ chain: { ...inT, newname: 'p' } }));
    assert.ok(f.listing().includes('chain p'));
    const handle = f.nft.snapshotSync().table('inet', 't')?.chain('p')?.handle as bigint;
    commit(f, (tx) => tx.rename({ chain: { family: 'inet', table: 't', name: 'p', handle, newname: 'q' } }));
    assert.ok(f.listing().includes('chain q'));
  },
  'add rule': (f) => {
    with_(f, ...ruleBase, rule('1'), rule('2'));
    assert.deepEqual(f.comments(), ['1', '2']);
    with_(f, { rule: { ...rule('after 1').rule, handle: firstRule(f).handle } });
    assert.deepEqual(f.comments(), ['1', 'after 1', '2']);
  },
  'create rule': (f) => {
    with_(f, ...ruleBase, rule('1'));
    commit(f, (tx) => tx.create(rule('2')));
    assert.deepEqual(f.comments(), ['1', '2']);
  },
  'insert rule': (f) => {
    with_(f, ...ruleBase, rule('1'));
    commit(f, (tx) => tx.insert(rule('0')));
    commit(f, (tx) => tx.insert({ rule: { ...rule('before 1').rule, index: 1 } }));
    assert.deepEqual(f.comments(), ['0', 'before 1', '1']);
  },
  'replace rule': async (f) => {
    with_(f, ...ruleBase, rule('1', 'c', [counted(5n, 6n)]), rule('2'));
    const { handle } = firstRule(f);
    commit(f, (tx) => tx.replace({ rule: { ...rule('new').rule, handle } }));
    assert.deepEqual(f.comments(), ['new', '2']);
    const now = firstRule(f);
    assert.deepEqual([now.handle, now.counter], [handle, { packets: 0n, bytes: 0n }]);
    assert.equal(await refusal(f, (tx) => tx.replace({ rule: { ...rule('x').rule, handle: 4711 } })), 'ENOENT');
  },
  'delete rule': async (f) => {
    with_(f, ...ruleBase, rule('1'), rule('2'), rule('3'));
    commit(f, (tx) => tx.delete({ rule: { family: 'ip', table: 't', chain: 'c', index: 1 } }));
    commit(f, (tx) => tx.delete({ rule: firstRule(f) }));
    assert.deepEqual(f.comments(), ['3']);
    assert.equal(await refusal(f, (tx) => tx.delete({ rule: { family: 'ip', table: 't', chain: 'c', handle: 4711 } })), 'ENOENT');
  },
  'destroy rule': (f) => {
    with_(f, ...ruleBase, rule('1'));
    const { handle } = firstRule(f);
    commit(f, (tx) => tx.destroy({ rule: { family: 'ip', table: 't', chain: 'c', handle } }));
    commit(f, (tx) => tx.destroy({ rule: { family: 'ip', table: 't', chain: 'c', handle } }));
    assert.deepEqual(f.comments(), []);
  },
  'reset rule': (f) => {
    with_(f, ...ruleBase, rule('1', 'c', [counted(5n, 6n)]), rule('2', 'c', [counted(7n, 8n)]));
    const before = firstRule(f);
    const read = reset(f, { rule: before });
    const { family, table: t, chain: c, handle, comment, expressions: list } = before;
    assert.deepEqual(read, { family, table: t, chain: c, handle, comment, counter: { packets: 5n, bytes: 6n }, expressions: list });
    assert.deepEqual(
      [...f.nft.snapshotSync().rules()].map((r) => r.counter?.packets),
      [0n, 7n],
    );
  },
  'reset chain': (f) => {
    with_(f, ...ruleBase, { chain: { family: 'ip', table: 't', name: 'd' } });
    with_(f, rule('1', 'c', [counted(5n, 6n)]), rule('2', 'c', [counted(7n, 8n)]), rule('3', 'd', [counted(9n, 9n)]));
    const read = reset(f, { chain: { family: 'ip', table: 't', name: 'c' } }) as readonly { comment?: string; counter?: unknown }[];
    assert.deepEqual(
      read.map((r) => [r.comment, r.counter]),
      [
        ['1', { packets: 5n, bytes: 6n }],
        ['2', { packets: 7n, bytes: 8n }],
      ],
    );
    assert.deepEqual(
      [...f.nft.snapshotSync().rules()].map((r) => r.counter?.packets),
      [0n, 0n, 9n],
    );
  },
  'reset table': (f) => {
    with_(f, ...ruleBase, table, chain, { chain: { family: 'ip', table: 't', name: 'd' } });
    with_(f, rule('1', 'c', [counted(5n, 6n)]), rule('2', 'd', [counted(7n, 8n)]));
    with_(f, { rule: { family: 'inet', table: 't', chain: 'o', expressions: [counted(9n, 9n)] } });
    const read = reset(f, { table: { family: 'ip', name: 't' } }) as readonly { counter?: { packets: bigint } }[];
    assert.deepEqual(
      read.map((r) => r.counter?.packets),
      [5n, 7n],
    );
    assert.deepEqual([...f.nft.snapshotSync().rules()].map((r) => r.counter?.packets).sort(), [0n, 0n, 9n]);
  },
  'reset counter': (f) => {
    with_(f, table, { counter: { ...inT, packets: 3, bytes: 4 } });
    const read = reset(f, { counter: inT }) as unknown as Words;
    assert.deepEqual([read['packets'], read['bytes']], [3n, 4n]);
    const [now] = listed(f).flatMap((o) => (o['counter'] === undefined ? [] : [o['counter'] as Words]));
    assert.deepEqual([now?.['packets'], now?.['bytes']], [0, 0]);
  },
  'reset quota': (f) => {
    with_(f, table, { quota: { ...inT, bytes: 1000, used: 7 } });
    const read = reset(f, { quota: inT }) as unknown as Words;
    assert.deepEqual([read['bytes'], read['used']], [1000n, 7n]);
    const [now] = listed(f).flatMap((o) => (o['quota'] === undefined ? [] : [o['quota'] as Words]));
    assert.deepEqual([now?.['bytes'], now?.['used']], [1000, 0]);
  },
  'flush set': (f) => {
    with_(f, table, { set: { ...inT, type: 'ipv4_addr', elem: ['192.0.2.1'] } });
    commit(f, (tx) => tx.flush({ set: { ...inT, type: 'ipv4_addr' } }));
    assert.equal(elements(f, 'set'), undefined);
  },
  'flush map': (f) => {
    with_(f, table, { map: { ...inT, type: 'ipv4_addr', map: 'mark', elem: [['192.0.2.1', 5]] } } as unknown as ObjectInput);
    assert.equal((elements(f, 'map') as unknown[]).length, 1);
    commit(f, (tx) => tx.flush({ map: { ...inT, type: 'ipv4_addr', map: 'mark' } }));
    assert.equal(elements(f, 'map'), undefined);
  },
  'reset set': (f) => {
    with_(f, table, countingSet);
    assert.deepEqual(byKey(reset(f, { set: { ...inT, type: 'ipv4_addr' } })), [counting, other]);
    assert.deepEqual(byKey(elements(f, 'set')), [zeroed, { elem: { val: '192.0.2.2', counter: { packets: 0, bytes: 0 } } }]);
  },
  'reset map': (f) => {
    with_(f, table, countingMap);
    assert.deepEqual(reset(f, { map: { ...inT, type: 'ipv4_addr', map: 'mark' } }), [[counting, 5]]);
    assert.deepEqual(elements(f, 'map'), [[zeroed, 5]]);
  },
  'add element': (f) => {
    with_(f, table, { set: { ...inT, type: 'ipv4_addr' } }, { element: { ...inT, elem: ['192.0.2.1'] } });
    with_(f, { element: { ...inT, elem: ['192.0.2.1'] } });
    assert.deepEqual(elements(f, 'set'), ['192.0.2.1']);
  },
  'create element': async (f) => {
    with_(f, table, { set: { ...inT, type: 'ipv4_addr' } });
    commit(f, (tx) => tx.create({ element: { ...inT, elem: ['192.0.2.1'] } }));
    assert.equal(await refusal(f, (tx) => tx.create({ element: { ...inT, elem: ['192.0.2.1'] } })), 'EEXIST');
    assert.deepEqual(elements(f, 'set'), ['192.0.2.1']);
  },
  'delete element': async (f) => {
    with_(f, table, { set: { ...inT, type: 'ipv4_addr', elem: ['192.0.2.1', '192.0.2.2'] } });
    commit(f, (tx) => tx.delete({ element: { ...inT, elem: ['192.0.2.1'] } }));
    assert.deepEqual(elements(f, 'set'), ['192.0.2.2']);
    assert.equal(await refusal(f, (tx) => tx.delete({ element: { ...inT, elem: ['192.0.2.1'] } })), 'ENOENT');
  },
  'destroy element': (f) => {
    with_(f, table, { set: { ...inT, type: 'ipv4_addr', elem: ['192.0.2.1', '192.0.2.2'] } });
    for (let i = 0; i < 2; i++) commit(f, (tx) => tx.destroy({ element: { ...inT, elem: ['192.0.2.1'] } }));
    assert.deepEqual(elements(f, 'set'), ['192.0.2.2']);
  },
  'reset element': async (f) => {
    with_(f, table, countingSet);
    assert.deepEqual(reset(f, { element: { ...inT, elem: ['192.0.2.1'] } }), [counting]);
    assert.deepEqual(byKey(elements(f, 'set')), [zeroed, other]);
    assert.equal((await failureOf(() => reset(f, { element: { ...inT, elem: ['192.0.2.9'] } }))).code, 'ENOENT');
  },
};

const possible = Object.entries(kinds).flatMap(([kind, k]) => Object.keys(k.verbs).map((verb) => `${verb} ${kind}`));

for (const [pair, proof] of Object.entries(proofs)) {
  test(pair, async () => {
    await using f = await NftFixture.create();
    await proof(f);
  });
}

test('every pair of object and verb has its proof', () => {
  assert.deepEqual(Object.keys(proofs).sort(), possible.sort());
});

test('a pair that does not exist is refused by name, and nothing is sent', async () => {
  await using f = await NftFixture.create();
  const tx = f.nft.transaction();
  let count = 0;
  for (const [name, kind] of Object.entries(kinds)) {
    for (const verb of verbs) {
      if (kind.verbs[verb] !== undefined) continue;
      const object = things[name]?.object ?? ({ [name]: { ...inT, chain: 'c', elem: [], expressions: [] } } as unknown as ObjectInput);
      const err = await failureOf(() => tx[verb](object));
      assert.equal(err.code, 'ERR_NOT_SUPPORTED');
      assert.ok(err.message.startsWith(`${verb} ${name} does not exist: ${whyNot[verb]}`), err.message);
      count++;
    }
  }
  assert.equal(count + possible.length, Object.keys(kinds).length * verbs.length);
  assert.equal(tx.length, 0);
});

test('what of those can be sent at all, the kernel refuses', async () => {
  await using f = await NftFixture.create();
  with_(
    f,
    table,
    chain,
    { counter: inT },
    { quota: { ...inT, bytes: 5, used: 1 } },
    { limit: { ...inT, rate: 5, burst: 9 } },
    { set: { ...inT, type: 'ipv4_addr' } },
  );
  const family = m.families.inet;
  const flags = m.NLM_F_CREATE | m.NLM_F_REPLACE;
  const o = { table: 't', name: 'o' };
  const says = {
    'replace table': kernelSays(f.ns.path, { type: m.NFT_MSG_NEWTABLE, flags, family, table: tableTable, value: { name: 't', flags: [] } }),
    'replace chain': kernelSays(f.ns.path, { type: m.NFT_MSG_NEWCHAIN, flags, family, table: chainTable, value: o }),
    'replace counter': kernelSays(f.ns.path, {
      type: m.NFT_MSG_NEWOBJ,
      flags,
      family,
      table: objectTable,
      value: { ...o, kind: 'counter', data: {} },
    }),
    'replace set': kernelSays(f.ns.path, {
      type: m.NFT_MSG_NEWSET,
      flags,
      family,
      table: setTable,
      value: { ...o, keyType: 7, keyLen: 4, flags: [], id: 1 },
    }),
    'reset in a batch': kernelSays(f.ns.path, {
      type: m.NFT_MSG_GETOBJ_RESET,
      flags: 0,
      family,
      table: objectTable,
      value: { ...o, kind: 'counter' },
    }),
  };
  assert.deepEqual(says, {
    'replace table': 'EOPNOTSUPP',
    'replace chain': 'EOPNOTSUPP',
    'replace counter': 'EOPNOTSUPP',
    'replace set': 'EOPNOTSUPP',
    'reset in a batch': 'EINVAL',
  });
});

test('docs/objects.md shows the same matrix', () => {
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rows = Object.entries(kinds).map(([name, kind]) =>
    row([name, ...verbs.map((verb) => (kind.verbs[verb] === undefined ? '' : '✓'))]),
  );
  const matrix = [row(['', ...verbs]), row(['', ...verbs].map(() => '---')), ...rows].join('\n');
  const doc = readFileSync(join(root, 'docs', 'objects.md'), 'utf8');
  const shown = /<!-- matrix -->\n(.*?)\n<!-- \/matrix -->/s.exec(doc)?.[1];
  assert.equal(shown, matrix);
});
