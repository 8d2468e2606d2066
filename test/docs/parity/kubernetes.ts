// The cases of docs/parity.md's table of Kubernetes' pkg/util/iptables.
import assert from 'node:assert/strict';
import { program } from '../../support/iptables.ts';
import { A, B, type Cases, empty, jumped, S, type Scene, three, two } from './case.ts';

/** Save text without comments and without what the chains have counted. */
function uncommented(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.replace(/^(:.*) \[.*$/, '$1'));
}

async function sameAsSaved(value: unknown, { ns, backend }: Scene): Promise<void> {
  const real = uncommented(await ns.must(`${program(backend)}-save`, ['-t', 'filter']));
  assert.deepEqual(uncommented(String(value)), real);
  assert.ok(real.includes(`-A WEB ${A}`));
}

/** What a table of text does to another chain and to one that it names; a nat table beside it is for RestoreAll. */
const text = '*filter\n:WEB - [0:0]\n[5:500] -A WEB -s 10.1.0.0/16 -j ACCEPT\nCOMMIT\n*nat\n:API - [0:0]\nCOMMIT\n';
const before = `*filter\n:WEB - [0:0]\n:OTHER - [0:0]\n-A WEB ${A}\n-A OTHER ${B}\n-A FORWARD -j OTHER\nCOMMIT\n`;
const others = { 'filter OTHER': [B], 'filter FORWARD': ['-j OTHER'] };

/** The counters of chain WEB's rules, as the real program prints them. */
async function counted(scene: Scene): Promise<string> {
  return (await scene.real('-v', '-S', 'WEB')).match(/-c \d+ \d+/)?.[0] ?? 'none';
}

export const kubernetes: Cases = {
  New: [
    {
      when: 'kubelet has marked the backend',
      before: '*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n',
      judge: (value, { backend }) => {
        const { name, why } = (value as { backend: { name: string; why: string } }).backend;
        assert.equal(name, backend);
        assert.match(why, /kubelet/);
      },
      after: 'as before',
    },
  ],
  Present: [
    { when: 'the backend has rules', before: two, judge: (value, { backend }) => assert.equal(value, backend), after: 'as before' },
  ],
  IsIPv6: [{ when: 'IPv4', gives: false, after: {} }],
  Protocol: [{ when: 'IPv4', gives: 'ip', after: {} }],
  EnsureChain: [
    { when: 'not there', gives: true, after: { 'filter WEB': [] }, theirs: ['-N WEB'] },
    { when: 'there', before: two, gives: false, after: 'as before', theirs: ['!-N WEB'] },
  ],
  FlushChain: [
    { when: 'there', before: two, after: { 'filter WEB': [] }, theirs: ['-F WEB'] },
    { when: 'not there', fails: 'ENOENT', after: {} },
  ],
  DeleteChain: [
    { when: 'empty', before: empty, after: {}, theirs: ['-X WEB'] },
    { when: 'not there', fails: 'ENOENT', after: {} },
    { when: 'jumped to', before: jumped, fails: 'EBUSY', after: 'as before', theirs: ['!-X WEB'] },
  ],
  ChainExists: [
    { when: 'there', before: two, gives: true, after: 'as before', theirs: ['-S WEB'] },
    { when: 'not there', before: two, names: { chain: 'API' }, gives: false, after: 'as before', theirs: ['!-S API'] },
  ],
  'EnsureRule(Prepend)': [
    { when: 'not there', before: two, gives: true, after: { 'filter WEB': [S, A, B] }, theirs: [`!-C WEB ${S}`, `-I WEB ${S}`] },
    { when: 'there, but not first', before: three, gives: false, after: 'as before', theirs: [`-C WEB ${S}`] },
  ],
  'EnsureRule(Append)': [
    { when: 'not there', before: two, gives: true, after: { 'filter WEB': [A, B, S] }, theirs: [`!-C WEB ${S}`, `-A WEB ${S}`] },
    { when: 'there, but not last', before: three, gives: false, after: 'as before', theirs: [`-C WEB ${S}`] },
  ],
  DeleteRule: [
    { when: 'there', before: three, gives: true, after: { 'filter WEB': [A, B] }, theirs: [`-C WEB ${S}`, `-D WEB ${S}`] },
    { when: 'not there', before: two, gives: false, after: 'as before', theirs: [`!-C WEB ${S}`] },
  ],
  SaveInto: [{ when: 'chains and rules', before: jumped, judge: sameAsSaved, after: 'as before' }],
  'Restore(NoFlushTables, NoRestoreCounters)': [
    {
      when: 'beside other chains and another table',
      before,
      names: { text },
      judge: async (value, scene) => {
        assert.deepEqual(value, { tables: ['filter'] });
        assert.equal(await counted(scene), '-c 0 0');
      },
      after: { 'filter WEB': [S], ...others },
      theirs: ['restore --noflush -T filter'],
    },
  ],
  'Restore(FlushTables, NoRestoreCounters)': [
    {
      when: 'beside other chains and another table',
      before,
      names: { text },
      gives: { tables: ['filter'] },
      after: { 'filter WEB': [S] },
      theirs: ['restore -T filter'],
    },
    {
      when: 'a builtin chain has policy DROP',
      on: 'legacy',
      before: '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -j ACCEPT\nCOMMIT\n',
      gives: { tables: ['filter'] },
      after: { 'filter WEB': [S], 'filter FORWARD': ['policy DROP'] },
      theirs: ['restore -T filter'],
    },
    {
      when: 'a builtin chain has policy DROP',
      on: 'nft',
      before: '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -j ACCEPT\nCOMMIT\n',
      gives: { tables: ['filter'] },
      after: { 'filter WEB': [S] },
      theirs: ['restore -T filter'],
    },
  ],
  'Restore(NoFlushTables, RestoreCounters)': [
    {
      when: 'beside other chains',
      before,
      judge: async (value, scene) => {
        assert.deepEqual(value, { tables: ['filter'] });
        assert.equal(await counted(scene), '-c 5 500');
      },
      after: { 'filter WEB': [S], ...others },
      theirs: ['restore --noflush --counters -T filter'],
    },
  ],
  RestoreAll: [
    {
      when: 'two tables',
      before,
      names: { text },
      gives: { tables: ['filter', 'nat'] },
      after: { 'filter WEB': [S], 'nat API': [], ...others },
      theirs: ['restore --noflush'],
    },
  ],
  Monitor: [
    { when: 'somebody has flushed', before: two, gives: true, after: { 'filter WEB': [A, B], 'mangle CANARY': [] } },
    { when: 'nobody has', before: '*mangle\n:CANARY - [0:0]\nCOMMIT\n', gives: false, after: 'as before' },
  ],
  HasRandomFully: [{ when: 'always', gives: true, after: {} }],
  MakeChainLine: [{ when: 'a chain', gives: ':WEB - [0:0]', after: {} }],
  GetChainsFromTable: [
    {
      when: 'a user chain',
      before: jumped,
      judge: async (value, { ns, backend }) => {
        const saved = await ns.must(`${program(backend)}-save`, ['-t', 'filter']);
        assert.deepEqual([...(value as string[])].sort(), [...saved.matchAll(/^:(\S+)/gm)].map((m) => m[1]).sort());
        assert.ok((value as string[]).includes('WEB'));
      },
      after: 'as before',
    },
  ],
  IsNotFoundError: [
    { when: 'no chain', gives: true, after: {} },
    { when: 'no error', before: two, gives: false, after: { 'filter WEB': [] } },
  ],
  'ParseError.Line': [
    {
      when: 'an unknown option in the third line',
      before: two,
      names: { text: '*filter\n:WEB - [0:0]\n-A WEB --dprot 80 -j DROP\nCOMMIT\n' },
      gives: ['ERR_RULE_SYNTAX', 3, 8, '--dprot'],
      after: 'as before',
      theirs: ['!restore --noflush'],
    },
  ],
};
