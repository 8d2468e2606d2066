// The cases of docs/parity.md's table of Docker's libnetwork/iptables.
import assert from 'node:assert/strict';
import { Iptables } from '../../../lib/index.ts';
import { A, B, type Case, type Cases, empty, jumped, S, three, two } from './case.ts';

const exists: readonly Case[] = [
  { when: 'there', before: three, gives: true, after: 'as before', theirs: [`-C WEB ${S}`] },
  { when: 'not there', before: two, gives: false, after: 'as before', theirs: [`!-C WEB ${S}`] },
  { when: 'no chain', gives: false, after: {}, theirs: [`!-C WEB ${S}`] },
];
const append: readonly Case[] = [
  { when: 'not there', before: two, gives: true, after: { 'filter WEB': [A, B, S] }, theirs: [`!-C WEB ${S}`, `-A WEB ${S}`] },
  { when: 'there', before: three, gives: false, after: 'as before', theirs: [`-C WEB ${S}`] },
];
const insert: readonly Case[] = [
  { when: 'not there', before: two, gives: true, after: { 'filter WEB': [S, A, B] }, theirs: [`!-C WEB ${S}`, `-I WEB ${S}`] },
  { when: 'there', before: three, gives: false, after: 'as before', theirs: [`-C WEB ${S}`] },
];
const remove: readonly Case[] = [
  { when: 'there', before: three, gives: true, after: { 'filter WEB': [A, B] }, theirs: [`-C WEB ${S}`, `-D WEB ${S}`] },
  { when: 'not there', before: two, gives: false, after: 'as before', theirs: [`!-C WEB ${S}`] },
];

const dockerChains = '*filter\n:DOCKER - [0:0]\nCOMMIT\n*nat\n:DOCKER - [0:0]\nCOMMIT\n';
/** What `ChainInfo.Forward` and `Link` program, as commands: each after a look that finds nothing. */
const dnat = 'DOCKER -p tcp -d 192.0.2.1 --dport 8080 -j DNAT --to-destination 172.17.0.2:80 ! -i docker0';
const accept = 'DOCKER ! -i docker0 -o docker0 -p tcp -d 172.17.0.2 --dport 80 -j ACCEPT';
const masquerade = 'POSTROUTING -p tcp -s 172.17.0.2 -d 172.17.0.2 --dport 80 -j MASQUERADE';
const forwarded = {
  'filter DOCKER': ['-d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT'],
  'nat DOCKER': ['-d 192.0.2.1/32 ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80'],
  'nat POSTROUTING': ['-s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE'],
};
const [forwardedFilter = '', forwardedNat = '', forwardedBack = ''] = Object.values(forwarded).flat();
const published = `*filter\n:DOCKER - [0:0]\n-A DOCKER ${forwardedFilter}\nCOMMIT\n*nat\n:DOCKER - [0:0]\n-A DOCKER ${forwardedNat}\n-A POSTROUTING ${forwardedBack}\nCOMMIT\n`;

const localIn = '-m addrtype --dst-type LOCAL -j DOCKER';
const localOut = '-m addrtype --dst-type LOCAL ! --dst 127.0.0.0/8 -j DOCKER';
const natJumps = `*nat\n:DOCKER - [0:0]\n-A PREROUTING ${localIn}\n-A OUTPUT ${localOut}\n-A DOCKER -i docker0 -j RETURN\nCOMMIT\n`;
const natWeb = '*nat\n:WEB - [0:0]\nCOMMIT\n';

export const docker: Cases = {
  GetIptable: [
    {
      when: 'Docker’s chains mark the backend',
      before: dockerChains,
      judge: (value, { backend }) => {
        assert.ok(value instanceof Iptables);
        assert.equal(value.backend.name, backend);
        assert.match(value.backend.why, /Docker/);
      },
      after: 'as before',
    },
  ],
  NewChain: [
    { when: 'not there', gives: true, after: { 'filter WEB': [] }, theirs: ['-N WEB'] },
    { when: 'there', before: two, gives: false, after: 'as before', theirs: ['-nL WEB'] },
  ],
  RemoveExistingChain: [
    { when: 'with rules', before: two, gives: { tables: ['filter'] }, after: {}, theirs: ['-F WEB', '-X WEB'] },
    { when: 'not there', gives: { tables: ['filter'] }, after: {} },
    {
      when: 'jumped to',
      before: jumped,
      fails: 'EBUSY',
      after: 'as before',
      theirs: ['-F WEB', '!-X WEB'],
      theirsLeave: { 'filter WEB': [], 'filter FORWARD': ['-j WEB'] },
    },
  ],
  ExistChain: [
    { when: 'there', before: empty, gives: true, after: 'as before', theirs: ['-nL WEB'] },
    { when: 'not there', before: empty, names: { chain: 'API' }, gives: false, after: 'as before', theirs: ['!-nL API'] },
  ],
  Exists: exists,
  ExistsNative: exists,
  'ProgramRule(Append)': append,
  'ProgramRule(Insert)': insert,
  'ProgramRule(Delete)': remove,
  Raw: [
    {
      when: '-S',
      before: two,
      judge: async (value, { real }) => {
        assert.equal(value, await real('-t', 'filter', '-S', 'WEB'));
        assert.match(String(value), /^-A WEB/m);
      },
      after: 'as before',
    },
  ],
  RawCombinedOutput: [
    { when: '-A', before: two, gives: { stdout: '', changed: true }, after: { 'filter WEB': [A, B, S] }, theirs: [`-A WEB ${S}`] },
    { when: 'no chain', fails: 'ENOENT', after: {} },
  ],
  RawCombinedOutputNative: [
    { when: '-D by number', before: two, gives: { stdout: '', changed: true }, after: { 'filter WEB': [A] }, theirs: ['-D WEB 2'] },
    { when: 'no such number', before: empty, fails: 'E2BIG', after: 'as before', theirs: ['!-D WEB 2'] },
  ],
  SetDefaultPolicy: [
    { when: 'FORWARD', after: { 'filter FORWARD': ['policy DROP'] }, theirs: ['-P FORWARD DROP'] },
    {
      when: 'a table that has no such chain',
      names: { table: 'raw' },
      fails: 'ERR_INVALID_ARG',
      after: {},
      theirs: ['!-t raw -P FORWARD DROP'],
    },
  ],
  AddReturnRule: [
    {
      when: 'not there',
      before: two,
      gives: true,
      after: { 'filter WEB': [A, B, '-j RETURN'] },
      theirs: ['!-C WEB -j RETURN', '-A WEB -j RETURN'],
    },
    {
      when: 'there, but not last',
      before: `*filter\n:WEB - [0:0]\n-A WEB -j RETURN\n-A WEB ${A}\nCOMMIT\n`,
      gives: false,
      after: 'as before',
      theirs: ['-C WEB -j RETURN'],
    },
  ],
  EnsureJumpRule: [
    {
      when: 'below other rules',
      before: `*filter\n:WEB - [0:0]\n-A FORWARD ${A}\n-A FORWARD -j WEB\nCOMMIT\n`,
      after: { 'filter WEB': [], 'filter FORWARD': ['-j WEB', A] },
      theirs: ['-C FORWARD -j WEB', '-D FORWARD -j WEB', '-I FORWARD -j WEB'],
    },
    {
      when: 'not there',
      before: empty,
      after: { 'filter WEB': [], 'filter FORWARD': ['-j WEB'] },
      theirs: ['!-C FORWARD -j WEB', '-I FORWARD -j WEB'],
    },
  ],
  DeleteJumpRule: [
    { when: 'there', before: jumped, gives: true, after: { 'filter WEB': [A] }, theirs: ['-C FORWARD -j WEB', '-D FORWARD -j WEB'] },
    { when: 'not there', before: two, gives: false, after: 'as before', theirs: ['!-C FORWARD -j WEB'] },
  ],
  'ChainInfo.Prerouting': [
    {
      when: 'not there',
      before: natWeb,
      after: { 'nat WEB': [], 'nat PREROUTING': ['-m addrtype --dst-type LOCAL -j WEB'] },
      theirs: ['-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j WEB'],
    },
  ],
  'ChainInfo.Output': [
    {
      when: 'not there',
      before: natWeb,
      after: { 'nat WEB': [], 'nat OUTPUT': ['! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j WEB'] },
      theirs: ['-t nat -A OUTPUT -m addrtype --dst-type LOCAL ! --dst 127.0.0.0/8 -j WEB'],
    },
  ],
  'ChainInfo.Forward': [
    {
      when: 'not there',
      before: dockerChains,
      gives: true,
      after: forwarded,
      theirs: [
        `!-t nat -C ${dnat}`,
        `-t nat -A ${dnat}`,
        `!-C ${accept}`,
        `-A ${accept}`,
        `!-t nat -C ${masquerade}`,
        `-t nat -A ${masquerade}`,
      ],
    },
    {
      when: 'there',
      before: published,
      gives: false,
      after: 'as before',
      theirs: [`-t nat -C ${dnat}`, `-C ${accept}`, `-t nat -C ${masquerade}`],
    },
  ],
  'ChainInfo.Link': [
    {
      when: 'not there',
      before: dockerChains,
      gives: true,
      after: {
        'nat DOCKER': [],
        'filter DOCKER': [
          '-s 172.17.0.2/32 -d 172.17.0.3/32 -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT',
          '-s 172.17.0.3/32 -d 172.17.0.2/32 -i docker0 -o docker0 -p tcp -m tcp --sport 80 -j ACCEPT',
        ],
      },
      theirs: [
        '-A DOCKER -i docker0 -o docker0 -p tcp -s 172.17.0.2 -d 172.17.0.3 --dport 80 -j ACCEPT',
        '-A DOCKER -i docker0 -o docker0 -p tcp -s 172.17.0.3 -d 172.17.0.2 --sport 80 -j ACCEPT',
      ],
    },
  ],
  'ChainInfo.Remove': [
    {
      when: 'nat, jumped to',
      before: natJumps,
      after: {},
      theirs: [
        `-t nat -D PREROUTING ${localIn}`,
        `-t nat -D OUTPUT ${localOut}`,
        '!-t nat -D OUTPUT -m addrtype --dst-type LOCAL -j DOCKER',
        '!-t nat -D PREROUTING -j DOCKER',
        '!-t nat -D OUTPUT -j DOCKER',
        '-t nat -F DOCKER',
        '-t nat -X DOCKER',
      ],
    },
  ],
  'Rule.Exists': exists,
  'Rule.Append': append,
  'Rule.Insert': insert,
  'Rule.Delete': remove,
  ChainError: [{ when: 'the chain is there', before: two, gives: 'EEXIST newChain WEB', after: 'as before' }],
  ErrIptablesNotFound: 'none',
  GetVersion: 'none',
  FirewalldInit: 'none',
  OnReloaded: 'none',
};
