// Read and write back: a rule goes back as the bytes it had, also through a nflink that lacks an expression's table, and
// with the protocol that xtables matches need and the kernel never dumps.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { Batch } from '../../lib/nftables/batch.ts';
import { inferCompat } from '../../lib/nftables/compat.ts';
import type { ExpressionTables } from '../../lib/nftables/expressions/expression.ts';
import { type Expression, expressionTables, tablesWithout } from '../../lib/nftables/expressions/index.ts';
import * as m from '../../lib/nftables/objects/messages.ts';
import { ruleTable, ruleTableOf } from '../../lib/nftables/objects/rule.ts';
import { dump } from '../../lib/nftables/read.ts';
import { sendBatch } from '../../lib/nftables/send.ts';
import { runSync } from '../../lib/run.ts';
import { readMessage } from '../../lib/wire/attributes.ts';
import { ipsets, ruleSet } from '../support/fixtures.ts';
import { TestNamespace } from '../support/namespace.ts';
import { failureOf, NftFixture } from '../support/nft.ts';
import { encoded } from '../support/wire-cases.ts';

const NFT_MSG_GETRULE = 7;

/** The attributes of every rule in a namespace, with its family, as the kernel dumps them. */
function rawRules(path: string): { readonly family: number; readonly attributes: Uint8Array }[] {
  const connection = runSync(Connection.open(path));
  try {
    const reply = connection.runSync('dump', () => dump(connection, 'dump of rules', NFT_MSG_GETRULE, m.NFPROTO_UNSPEC), false);
    const bytes = new Uint8Array(reply.data);
    return Array.from(reply.index, (at) => {
      const message = readMessage(bytes, at);
      return { family: message.family, attributes: bytes.slice(message.start, message.end) };
    });
  } finally {
    connection.closeSync();
  }
}

interface Attribute {
  readonly at: number;
  readonly type: number;
  readonly end: number;
}
function* attributesOf(bytes: Uint8Array, start = 0, end = bytes.length): Generator<Attribute> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = start; at < end; ) {
    const stop = at + view.getUint16(at, true);
    yield { at, type: view.getUint16(at + 2, true), end: stop };
    at = (stop + 3) & ~3;
  }
}

/** NFTA_RULE_*. */
const EXPRESSIONS = 4;
const USERDATA = 7;
/** Attributes of an expression that are nests themselves: struct nft_data. */
const NESTS: Readonly<Record<string, readonly number[]>> = { cmp: [3], immediate: [2], bitwise: [4, 5, 7], range: [3, 4] };
/** Expressions whose attributes libnftnl, and nflink with it, writes in another order than the kernel dumps them. */
const ORDER: Readonly<Record<string, readonly number[]>> = { bitwise: [1, 2, 6, 3, 4, 5, 7, 8], ct: [2, 1, 3, 4], lookup: [2, 3, 1, 4, 5] };

/**
 * What nflink makes of a kernel's rule message when it changes no content. The kernel dumps nests without NLA_F_NESTED and
 * userdata behind the expressions; nflink sets the flag on every nest that its tables know, and writes in libnftnl's order.
 */
function asWritten(kernel: Uint8Array, tables: ExpressionTables): Uint8Array {
  const bytes = kernel.slice();
  const flag = (a: Attribute): void => {
    assert.equal(a.type & 0xc000, 0, 'the kernel sets no flag bits');
    (bytes[a.at + 3] as number) |= 0x80;
  };
  const reorder = (list: readonly Attribute[], order: readonly number[]): void => {
    const start = list[0]?.at ?? 0;
    const sorted = [...list].sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type));
    bytes.set(Buffer.concat(sorted.map((a) => bytes.slice(a.at, (a.end + 3) & ~3))), start);
  };
  for (const top of [...attributesOf(bytes)]) {
    if (top.type !== EXPRESSIONS) continue;
    for (const element of [...attributesOf(bytes, top.at + 4, top.end)]) {
      const [name, data] = [...attributesOf(bytes, element.at + 4, element.end)];
      assert.ok(name !== undefined);
      const word = Buffer.from(bytes.subarray(name.at + 4, name.end - 1)).toString();
      flag(element);
      if (!tables.has(word) || data === undefined) continue;
      flag(data);
      const fields = [...attributesOf(bytes, data.at + 4, data.end)];
      for (const nest of fields) {
        if (NESTS[word]?.includes(nest.type) !== true) continue;
        const [inner] = [...attributesOf(bytes, nest.at + 4, nest.end)];
        // NFTA_DATA_VERDICT is a nest in the nest.
        if (inner?.type === 2) flag(inner);
        flag(nest);
      }
      if (ORDER[word] !== undefined) reorder(fields, ORDER[word]);
    }
    flag(top);
  }
  const all = [...attributesOf(kernel)];
  reorder(all, [...all.map((a) => a.type).filter((type) => type !== USERDATA && type !== EXPRESSIONS), USERDATA, EXPRESSIONS]);
  return bytes;
}

/** One attribute a line as far as they nest, so that a difference can be seen. */
function hex(bytes: Uint8Array, indent = ''): string {
  return [...attributesOf(bytes)]
    .map(({ at, type, end }) => {
      const payload = bytes.subarray(at + 4, end);
      return `${indent}${type.toString(16)}: ${type & 0x8000 ? `\n${hex(payload, `${indent}  `)}` : Buffer.from(payload).toString('hex')}`;
    })
    .join('\n');
}

/** Rules of all kinds: xtables' by the real iptables-nft, nf_tables' own by the real nft. */
async function filled(): Promise<TestNamespace> {
  const ns = await TestNamespace.create();
  for (const name of ['k8s-cilium', 'docker']) ns.mustSync('iptables-nft-restore', ['--noflush'], { input: ruleSet(name) });
  ns.mustSync('nft', ['-f', '-'], {
    input: `table inet own {
      set s { type ipv4_addr; elements = { 10.0.0.1 } }
      map v { type inet_service : verdict; elements = { 22 : accept } }
      chain nat { type nat hook postrouting priority 100; oifname "eth*" masquerade random; ip saddr 10.0.0.0/8 snat ip to 192.0.2.1-192.0.2.9; }
      chain pre { type nat hook prerouting priority -100; tcp dport 80 redirect to :8080; tcp dport 1000-2000 dnat ip to 10.0.0.1:80; }
      chain c { type filter hook input priority 0; policy accept;
        ct state established,related counter accept comment "known"
        ip saddr @s drop
        tcp dport vmap @v
        meta mark set meta mark & 0xff | 0x100
        tcp dport != 1-1023 limit rate over 10/minute burst 5 packets log prefix "over " level warn
        ip dscp set cs1
        numgen random mod 10 < 3 jump d
        reject with icmpx type admin-prohibited
      }
      chain d { quota over 10 mbytes drop; }
    }`,
  });
  return ns;
}

test('rules of a real node go back byte for byte with every table, and with each one hidden', async () => {
  await using ns = await filled();
  const rules = rawRules(ns.path);
  assert.ok(rules.length > 190, `${rules.length} rules`);
  const met = new Set<string>();
  for (const hidden of ['', ...expressionTables.names]) {
    const tables = hidden === '' ? expressionTables : tablesWithout(hidden);
    const table = ruleTableOf(tables);
    for (const { attributes } of rules) {
      const seen = table.decode(attributes, 0, attributes.length);
      assert.ok(seen !== undefined);
      for (const e of seen.expressions ?? []) {
        if (hidden === '') met.add(e.type);
        else assert.notEqual(e.type, hidden);
      }
      assert.equal(hex(encoded(table, seen)), hex(asWritten(attributes, tables)), hidden === '' ? 'with all tables' : `without ${hidden}`);
    }
  }
  // The rules hold what the test speaks of.
  for (const name of [
    'match',
    'target',
    'meta',
    'payload',
    'cmp',
    'bitwise',
    'range',
    'immediate',
    'counter',
    'limit',
    'log',
    'lookup',
    'nat',
    'masq',
    'redir',
    'reject',
    'ct',
  ]) {
    assert.ok(met.has(name), `no rule has ${name}`);
  }
});

test('rules read without a table are taken by another kernel namespace and dumped there as the same bytes', async () => {
  await using source = await filled();
  const rules = rawRules(source.path);
  const without = (attributes: Uint8Array, ...types: readonly number[]): string =>
    [...attributesOf(attributes)]
      .filter((a) => !types.includes(a.type))
      .map((a) => hex(attributes.subarray(a.at, a.end)))
      .join(' ');
  const skeleton = source.mustSync('nft', ['list', 'ruleset']);
  assert.ok(skeleton.length > 0);
  for (const hidden of ['cmp', 'immediate', 'match', 'counter', 'payload']) {
    await using target = await filled();
    // The same chains and sets without a rule: all that the batch has to bring is the rules.
    target.mustSync('nft', ['-f', '-'], {
      input: ['ip filter', 'ip nat', 'ip mangle', 'ip raw', 'inet own']
        .filter((t) => skeleton.includes(`table ${t} `))
        .map((t) => `flush table ${t}\n`)
        .join(''),
    });
    assert.equal(rawRules(target.path).length, 0);
    const table = ruleTableOf(tablesWithout(hidden));
    const batch = new Batch();
    for (const { family, attributes } of rules) {
      const full = ruleTable.decode(attributes, 0, attributes.length);
      const { handle: _1, position: _2, ...rule } = table.decode(attributes, 0, attributes.length) ?? {};
      const compat = inferCompat('ip', full?.expressions ?? []);
      table.encode(batch.writer, { ...rule, ...(compat === undefined ? {} : { compat }) });
      batch.push({ type: m.NFT_MSG_NEWRULE, flags: m.NLM_F_CREATE | m.NLM_F_APPEND, family }, { verb: 'add', object: { rule: {} } });
    }
    const connection = runSync(Connection.open(target.path));
    connection.runSync('commit', () => sendBatch(connection, batch, {}), true);
    connection.closeSync();
    // NFTA_RULE_HANDLE and NFTA_RULE_POSITION are the namespace's own.
    const strip = (list: typeof rules): string[] => list.map(({ family, attributes }) => `${family} ${without(attributes, 3, 6)}`);
    assert.deepEqual(strip(rawRules(target.path)), strip(rules), `without ${hidden}`);
  }
});

test('a rule of iptables that needs its protocol is added again from what was dumped', async () => {
  await using f = await NftFixture.create();
  const specs = [
    ['-p', 'tcp', '-j', 'REJECT', '--reject-with', 'tcp-reset'],
    ['-p', 'tcp', '-m', 'tcp', '--tcp-option', '7', '-j', 'ACCEPT'],
    ['!', '-p', 'udp', '-m', 'comment', '--comment', 'inverted', '-j', 'DROP'],
  ];
  for (const spec of specs) f.must('iptables-nft', ['-A', 'INPUT', ...spec]);
  const rules = [...(await f.nft.snapshot()).rules({ chain: 'INPUT' })];
  assert.equal(rules.length, specs.length);
  const tx = f.nft.transaction();
  for (const r of rules) tx.add({ rule: { family: 'ip', table: 'filter', chain: 'INPUT', expressions: r.expressions } });
  await tx.commit();
  const lines = f
    .must('iptables-nft-save', [])
    .split('\n')
    .filter((line) => line.startsWith('-A'));
  assert.equal(lines.length, 2 * specs.length);
  assert.deepEqual(lines.slice(specs.length), lines.slice(0, specs.length));

  // The proof that it was needed: the same without the protocol is refused.
  const batch = new Batch();
  const expressions: readonly Expression[] = rules[0]?.expressions ?? [];
  ruleTable.encode(batch.writer, { table: 'filter', chain: 'INPUT', expressions });
  batch.push(
    { type: m.NFT_MSG_NEWRULE, flags: m.NLM_F_CREATE | m.NLM_F_APPEND, family: m.families.ip },
    { verb: 'add', object: { rule: {} } },
  );
  const connection = runSync(Connection.open(f.ns.path));
  const err = await failureOf(() => connection.runSync('commit', () => sendBatch(connection, batch, {}), true));
  connection.closeSync();
  assert.equal(err.code, 'EINVAL');
});

test('the expressions of a dumped rule can be written back as they are, each chain the same bytes', async () => {
  await using ns = await TestNamespace.create();
  const words = ipsets('calico');
  assert.ok(words !== undefined);
  ns.mustSync('ipset', ['restore'], { input: words });
  ns.mustSync('iptables-nft-restore', [], { input: ruleSet('calico') });
  for (const { attributes } of rawRules(ns.path)) {
    const rule = ruleTable.decode(attributes, 0, attributes.length);
    assert.equal(hex(encoded(ruleTable, rule ?? {})), hex(asWritten(attributes, expressionTables)));
  }
});
