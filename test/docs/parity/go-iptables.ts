// The cases of docs/parity.md's table of coreos/go-iptables.
import assert from 'node:assert/strict';
import { Iptables } from '../../../lib/index.ts';
import { LockHolder } from '../../support/lock-holder.ts';
import { A, B, type Cases, empty, jumped, S, type Scene, three, two } from './case.ts';

function lines(text: string): string[] {
  return text.trimEnd().split('\n');
}

async function opened(value: unknown, { backend }: Scene): Promise<void> {
  assert.ok(value instanceof Iptables);
  assert.equal(value.family, 'ip');
  assert.equal(value.backend.name, backend, 'auto finds the backend that holds the rules');
}

/** Whether a write passes while another process holds the xtables lock. */
async function whileLocked(value: unknown, { backend }: Scene): Promise<void> {
  assert.ok(value instanceof Iptables);
  const holder = await LockHolder.take(process.env['XTABLES_LOCKFILE'] ?? '');
  try {
    const written = value.ensureChain('filter', 'WEB');
    if (backend === 'nft') assert.equal(await written, false);
    else await assert.rejects(written, { code: 'EAGAIN', outcome: 'not-applied' });
  } finally {
    await holder.release();
  }
  assert.equal(await value.ensureChain('filter', 'WEB'), false);
}

export const goIptables: Cases = {
  New: [{ when: 'the backend has rules', before: two, judge: opened, after: 'as before' }],
  NewWithProtocol: [
    {
      when: 'IPv6',
      before: two,
      judge: async (value) => assert.equal(await (value as Iptables).ensureChain('filter', 'SIX'), true),
      after: { 'filter WEB': [A, B], 'ip6 filter SIX': [] },
    },
  ],
  IPFamily: [{ when: 'a family that is none', fails: 'ERR_INVALID_ARG', names: { family: 'ipv4' }, after: {} }],
  Timeout: [{ when: 'somebody holds the lock', before: two, names: { seconds: 0 }, judge: whileLocked, after: 'as before' }],
  Path: 'none',
  Proto: [{ when: 'IPv4', gives: 'ip', after: {} }],
  Exists: [
    { when: 'the rule is there', before: three, gives: true, after: 'as before', theirs: [`-C WEB ${S}`] },
    { when: 'it is not', before: two, gives: false, after: 'as before', theirs: [`!-C WEB ${S}`] },
    { when: 'the chain is not', gives: false, after: {}, theirs: [`!-C WEB ${S}`] },
  ],
  Insert: [
    { when: 'in the middle', before: two, after: { 'filter WEB': [A, S, B] }, theirs: [`-I WEB 2 ${S}`] },
    { when: 'right behind the last', before: two, names: { number: 3 }, after: { 'filter WEB': [A, B, S] }, theirs: [`-I WEB 3 ${S}`] },
    { when: 'further behind', before: two, names: { number: 4 }, fails: 'E2BIG', after: 'as before', theirs: [`!-I WEB 4 ${S}`] },
    { when: 'no chain', fails: 'ENOENT', after: {}, theirs: [`!-I WEB 2 ${S}`] },
  ],
  InsertUnique: [
    { when: 'not there', before: two, gives: true, after: { 'filter WEB': [A, S, B] }, theirs: [`!-C WEB ${S}`, `-I WEB 2 ${S}`] },
    { when: 'there at another number', before: three, names: { number: 1 }, gives: false, after: 'as before', theirs: [`-C WEB ${S}`] },
  ],
  Replace: [
    { when: 'the rule is there', before: two, after: { 'filter WEB': [A, S] }, theirs: [`-R WEB 2 ${S}`] },
    { when: 'no such number', before: two, names: { number: 3 }, fails: 'E2BIG', after: 'as before', theirs: [`!-R WEB 3 ${S}`] },
  ],
  Append: [
    { when: 'not there', before: two, after: { 'filter WEB': [A, B, S] }, theirs: [`-A WEB ${S}`] },
    { when: 'there: a second one', before: three, after: { 'filter WEB': [A, S, B, S] }, theirs: [`-A WEB ${S}`] },
  ],
  AppendUnique: [
    { when: 'not there', before: two, gives: true, after: { 'filter WEB': [A, B, S] }, theirs: [`!-C WEB ${S}`, `-A WEB ${S}`] },
    { when: 'there', before: three, gives: false, after: 'as before', theirs: [`-C WEB ${S}`] },
  ],
  Delete: [
    { when: 'there', before: three, after: { 'filter WEB': [A, B] }, theirs: [`-D WEB ${S}`] },
    { when: 'not there', before: two, fails: 'ENOENT', after: 'as before', theirs: [`!-D WEB ${S}`] },
  ],
  DeleteIfExists: [
    { when: 'there', before: three, gives: true, after: { 'filter WEB': [A, B] }, theirs: [`-C WEB ${S}`, `-D WEB ${S}`] },
    { when: 'not there', before: two, gives: false, after: 'as before', theirs: [`!-C WEB ${S}`] },
  ],
  DeleteById: [
    { when: 'there', before: three, after: { 'filter WEB': [A, B] }, theirs: ['-D WEB 2'] },
    { when: 'no such number', before: empty, fails: 'E2BIG', after: 'as before', theirs: ['!-D WEB 2'] },
    { when: 'no chain', fails: 'ENOENT', after: {}, theirs: ['!-D WEB 2'] },
  ],
  List: [
    { when: 'two rules', before: two, gives: ['-N WEB', `-A WEB ${A}`, `-A WEB ${B}`], after: 'as before' },
    {
      when: 'a builtin chain',
      before: jumped,
      names: { chain: 'FORWARD' },
      judge: async (value, { real }) => assert.deepEqual(value, lines(await real('-S', 'FORWARD'))),
      after: 'as before',
    },
    { when: 'no chain', fails: 'ENOENT', after: {} },
  ],
  ListById: [{ when: 'the second', before: two, gives: `-A WEB ${B}`, after: 'as before' }],
  ListWithCounters: [
    {
      when: 'rules that have counted',
      before: two,
      judge: async (value, { real }) => {
        assert.deepEqual(value, lines(await real('-v', '-S', 'WEB')));
        assert.match(String(value), /-c 7 420/);
      },
      after: 'as before',
    },
  ],
  ListChains: [
    {
      when: 'a user chain',
      before: two,
      judge: async (value, { real }) => {
        const theirs = lines(await real('-S')).filter((line) => /^-[PN]/.test(line));
        assert.deepEqual([...(value as string[])].sort(), theirs.map((line) => line.split(' ')[1]).sort());
        assert.ok((value as string[]).includes('WEB'));
      },
      after: 'as before',
    },
  ],
  ChainExists: [
    { when: 'there', before: empty, gives: true, after: 'as before', theirs: ['-S WEB 1'] },
    { when: 'not there', gives: false, after: {} },
  ],
  Stats: [
    {
      when: 'rules that have counted',
      before: three,
      judge: async (value, { real }) => {
        assert.equal(value, await real('-L', 'WEB', '-n', '-v', '-x'));
        assert.match(String(value), /^ +7 +420 DROP /m);
      },
      after: 'as before',
    },
  ],
  StructuredStats: [
    {
      when: 'rules that have counted',
      before: two,
      gives: [
        { packets: 7n, bytes: 420n, target: 'DROP', source: '10.0.0.1/32' },
        { packets: 8n, bytes: 480n, target: 'DROP', source: '10.0.0.2/32' },
      ],
      after: 'as before',
    },
  ],
  ParseStat: 'none',
  NewChain: [
    { when: 'not there', after: { 'filter WEB': [] }, theirs: ['-N WEB'] },
    { when: 'there', before: two, fails: 'EEXIST', after: 'as before', theirs: ['!-N WEB'] },
  ],
  ClearChain: [
    { when: 'there', before: two, gives: { tables: ['filter'] }, after: { 'filter WEB': [] }, theirs: ['!-N WEB', '-F WEB'] },
    { when: 'not there', gives: { tables: ['filter'] }, after: { 'filter WEB': [] }, theirs: ['-N WEB'] },
  ],
  ClearAndDeleteChain: [
    { when: 'there', before: two, gives: { tables: ['filter'] }, after: {}, theirs: ['-S WEB 1', '-F WEB', '-X WEB'] },
    { when: 'not there', gives: { tables: ['filter'] }, after: {} },
    {
      when: 'jumped to',
      before: jumped,
      fails: 'EBUSY',
      after: 'as before',
      theirs: ['-S WEB 1', '-F WEB', '!-X WEB'],
      theirsLeave: { 'filter WEB': [], 'filter FORWARD': ['-j WEB'] },
    },
  ],
  RenameChain: [
    { when: 'jumped to', before: jumped, after: { 'filter API': [A], 'filter FORWARD': ['-j API'] }, theirs: ['-E WEB API'] },
    { when: 'the name is taken', before: two, names: { to: 'WEB' }, fails: 'EEXIST', after: 'as before', theirs: ['!-E WEB WEB'] },
  ],
  DeleteChain: [
    { when: 'empty', before: empty, after: {}, theirs: ['-X WEB'] },
    { when: 'with rules', before: two, fails: 'EBUSY', after: 'as before', theirs: ['!-X WEB'] },
  ],
  ClearAll: [{ when: 'a user chain and a builtin one', before: jumped, after: { 'filter WEB': [] }, theirs: ['-F'] }],
  DeleteAll: [
    { when: 'empty chains', before: empty, gives: { stdout: '', changed: true }, after: {}, theirs: ['-X'] },
    { when: 'one has rules', before: two, fails: 'EBUSY', after: 'as before', theirs: ['!-X'] },
  ],
  ChangePolicy: [
    {
      when: 'DROP',
      before: jumped,
      names: { chain: 'FORWARD' },
      after: { 'filter WEB': [A], 'filter FORWARD': ['policy DROP', '-j WEB'] },
      theirs: ['-P FORWARD DROP'],
    },
  ],
  HasRandomFully: [{ when: 'this kernel', gives: true, after: {} }],
  GetIptablesVersion: 'none',
  'Error.ExitStatus': [
    { when: 'a rule that is not there', before: two, gives: 'ENOENT, not-applied', after: 'as before', theirs: [`!-D WEB ${S}`] },
  ],
  'Error.IsNotExist': [
    { when: 'no rule', before: two, gives: true, after: 'as before' },
    { when: 'no chain', gives: true, after: {} },
    { when: 'another error', before: two, names: { table: 'filtre' }, gives: false, after: 'as before' },
  ],
};
