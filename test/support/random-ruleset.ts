// Random rulesets for the real nft, two of which have much in common: names from a few, definitions from a few each.
import { chains as baseChains, nftStatements } from './nft-statements.ts';
import type { Random } from './random.ts';

/** By name, definitions; an element list `%` is drawn from the pool that follows. */
interface Variants {
  readonly definitions: readonly string[];
  readonly elements?: readonly string[];
}

const ports = ['22', '53', '80', '443', '8080', '9000-9010', '10000-20000'];
const single = ports.filter((p) => !p.includes('-'));
const addresses = ['1.2.3.4', '10.0.0.1', '10.0.0.2', '192.168.0.1', '255.255.255.255', '0.0.0.0'];
const verdicts = ['22 : accept', '80 : drop', '443 : jump other', '8080 : goto more', '9 : return'];

// Those that statements name keep their type: keys of other sizes would be refused.
const objects: Readonly<Record<string, Variants>> = {
  ports: {
    definitions: [
      'set ports { type inet_service; % }',
      'set ports { type inet_service; comment "x"; % }',
      'set ports { type inet_service; flags constant; % }',
      'set ports { type inet_service; flags timeout; % }',
      'set ports { type inet_service; flags timeout; timeout 1h; % }',
    ],
    elements: [...single, '7 comment "seven"', '8 comment "eight"', '8 comment "acht"'],
  },
  ranges: {
    definitions: ['set ranges { type inet_service; flags interval; % }', 'set ranges { type inet_service; flags interval; auto-merge; % }'],
    elements: [...ports, '0-1', '65000-65535', '30000-30001 comment "r"'],
  },
  lively: {
    definitions: [
      'set lively { type ipv4_addr; flags timeout; % }',
      'set lively { type ipv4_addr; flags interval, timeout; timeout 1d; % }',
    ],
    elements: ['1.1.1.1', '1.1.1.1 timeout 1h', '1.1.1.1 timeout 2h', '1.1.1.2 timeout 3h', '1.1.1.3 timeout 4h comment "t"'],
  },
  concat: {
    definitions: ['set concat { type ipv4_addr . inet_service; % }', 'set concat { type ipv4_addr . inet_service; flags interval; % }'],
    elements: ['1.2.3.4 . 22', '1.2.3.4 . 80', '10.0.0.1 . 22 comment "c"', '10.0.0.9 . 8080'],
  },
  nets: {
    definitions: ['set nets { type ipv4_addr . inet_service; flags interval; counter; % }'],
    elements: ['10.0.0.0/8 . 22-80', '192.168.0.0/16 . 443', '172.16.0.1-172.16.0.9 . 1-9', '* '],
  },
  verdicts: {
    definitions: ['map verdicts { type inet_service : verdict; % }', 'map verdicts { type inet_service : verdict; flags interval; % }'],
    elements: [...verdicts, '22 : drop', '80 : jump more', '* : drop'],
  },
  marks: {
    definitions: ['map marks { type inet_service : mark; % }', 'map marks { type inet_service : mark; counter; % }'],
    elements: ['22 : 1', '22 : 2', '80 : 3', '443 : 0xff', '53 comment "dns" : 7'],
  },
  cmap: {
    definitions: ['map cmap { type ipv4_addr : counter; % }'],
    elements: addresses.map((a, i) => `${a} : "${i % 2 === 0 ? 'c1' : 'c2'}"`),
  },
  lmap: { definitions: ['map lmap { type ipv4_addr : limit; % }'], elements: ['1.2.3.4 : "l1"', '10.0.0.1 : "l1"'] },
  dyn: {
    definitions: [
      'set dyn { type ipv4_addr; flags dynamic, timeout; }',
      'set dyn { type ipv4_addr; flags dynamic, timeout; size 100; timeout 1m; }',
    ],
  },
  conns: { definitions: ['set conns { type ipv4_addr; flags dynamic; }'] },
  dynmap: { definitions: ['map dynmap { type ipv4_addr : inet_service; flags dynamic; }'] },
  c1: { definitions: ['counter c1 { }', 'counter c1 { comment "one"; }'] },
  c2: { definitions: ['counter c2 { }'] },
  q1: { definitions: ['quota q1 { 10 mbytes }', 'quota q1 { over 5 kbytes }'] },
  l1: { definitions: ['limit l1 { rate 10/second }', 'limit l1 { rate 20/minute burst 7 packets }'] },
  h1: { definitions: ['ct helper h1 { type "ftp" protocol tcp; }'] },
  t1: {
    definitions: [
      'ct timeout t1 { protocol tcp; policy = { established : 100 }; }',
      'ct timeout t1 { protocol tcp; policy = { established : 200 }; }',
    ],
  },
  e1: { definitions: ['ct expectation e1 { protocol tcp; dport 9876; timeout 1m; size 12; l3proto ip; }'] },
  syn1: { definitions: ['synproxy syn1 { mss 1460; wscale 7; }', 'synproxy syn1 { mss 1000; wscale 5; }'] },
};
/** What nothing needs, and may be there or not. */
const OPTIONAL = ['ranges', 'lively', 'nets', 'c2only'];

const chainDefinitions: Readonly<Record<string, readonly string[]>> = {
  input: [baseChains['input'] as string, `${baseChains['input']} policy drop;`, 'type filter hook input priority 10;'],
  output: [baseChains['output'] as string, `${baseChains['output']} comment "out";`],
  prerouting: [baseChains['prerouting'] as string],
  natpost: [baseChains['natpost'] as string],
  more: ['', 'comment "more";'],
  other: ['', 'comment "other";'],
  third: [''],
};

const statements = nftStatements['inet']?.statements ?? {};
const pools: Readonly<Record<string, readonly string[]>> = {
  // A meter's name can stand in one rule only.
  input: (statements['input'] ?? []).filter((s) => !s.startsWith('meter')),
  output: statements['output'] ?? [],
  prerouting: statements['prerouting'] ?? [],
  natpost: statements['natpost'] ?? [],
  other: ['accept', 'counter', 'tcp dport @ports drop', 'counter name "c1"', 'tcp dport { 1, 2, 3 } accept', 'tcp dport { 1, 2 } accept'],
  more: ['drop', 'limit name "l1"', 'jump { counter; accept; }', 'jump { tcp dport { 22, 80 } accept; drop; }'],
  third: ['counter', 'meter m1 { ip saddr limit rate 5/second }'],
};

function some<T>(random: Random, from: readonly T[], chance: number): T[] {
  return from.filter(() => random.chance(chance));
}

function objectText(random: Random, name: string): string {
  const { definitions, elements } = objects[name] as Variants;
  const definition = random.pick(definitions);
  if (elements === undefined) return definition;
  const interval = definition.includes('interval');
  const live = definition.includes('timeout');
  const keys = new Set<string>();
  const list = some(random, elements, 0.5).filter((e) => {
    const key = (e.split(/ comment| timeout| :/)[0] as string).trim();
    if (keys.has(key) || (key === '*' && !interval && name !== 'verdicts') || (e.includes('timeout') && !live)) return false;
    return keys.add(key);
  });
  return definition.replace('%', list.length === 0 ? '' : `elements = { ${list.join(', ')} };`);
}

function chainText(random: Random, name: string, most: number): string {
  const pool = pools[name] ?? ['counter'];
  const few = Array.from({ length: 6 }, (_, i) => pool[(i * 37) % pool.length] as string);
  const count = random.below(most + 1);
  const rules = Array.from({ length: count }, () => random.pick(random.chance(0.5) ? few : pool));
  const meters = new Set<string>();
  const once = rules.filter((r) => !r.startsWith('meter') || (!meters.has(r) && meters.add(r)));
  return `chain ${name} { ${random.pick(chainDefinitions[name] ?? [''])}\n${once.join('\n')}\n}`;
}

/** A table `inet t`, and sometimes another. */
export function randomRuleset(random: Random, most = 12): string {
  const flags = random.chance(0.15) ? 'flags dormant;' : '';
  const comment = random.chance(0.1) ? 'comment "table";' : '';
  const sets = Object.keys(objects).filter((name) => !OPTIONAL.includes(name) || random.chance(0.6));
  // Objects before the maps that name them.
  const ordered = sets.sort((a, b) => Number(isSet(a)) - Number(isSet(b)));
  const names = Object.keys(chainDefinitions).filter((name) => name === 'other' || name === 'more' || random.chance(0.8));
  const empty = ['chain other { }', 'chain more { }'];
  const table = ['table inet t {', flags, comment, ...empty, ...ordered.map((name) => objectText(random, name)), '}'];
  const rules = ['table inet t {', flags, ...names.map((name) => chainText(random, name, most)), '}'];
  const second = random.chance(0.3) ? ['table ip t {', 'chain c {', ...some(random, ['accept', 'drop', 'counter'], 0.5), '}', '}'] : [];
  return [...second, ...table, ...rules].join('\n');
}

const isSet = (name: string): boolean => /^(set|map) /.test(objects[name]?.definitions[0] ?? '');
