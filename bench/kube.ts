// kube-proxy-like rule sets of any size, the same for the same options: services with a cluster IP, each balanced over its
// endpoints, some with a node port. The text is what iptables-save prints, so it comes back byte for byte.
import { createHash } from 'node:crypto';

export interface KubeOptions {
  /** About how many rules the two tables shall have together; decides the number of services. */
  readonly rules?: number;
  /** The number of services, where `rules` isn't given. */
  readonly services?: number;
  /** Endpoints a service. Default 3. */
  readonly endpoints?: number;
  /** Every how many services one gets a node port; 0 for none. Default 10. */
  readonly nodePortEvery?: number;
  /** The pods' network. Default 10.244.0.0/16. */
  readonly podCidr?: string;
  /** Whether rules begin with `[0:0]`, as iptables-save -c prints them. */
  readonly counters?: boolean;
}

export interface KubeRuleSet {
  readonly text: string;
  readonly services: number;
  readonly rules: number;
  /** User chains and built-in chains of both tables. */
  readonly chains: number;
}

type Rule = readonly [chain: string, words: string];

const FIRST_CLUSTER_IP = ipNumber(10, 96, 1, 0);
const FIRST_ENDPOINT_IP = ipNumber(10, 128, 0, 2);
const FIRST_NODE_PORT = 30000;
const NODE_PORTS = 2768;

export const kubeSaveText = (options: KubeOptions): string => kubeRuleSet(options).text;

export function kubeRuleSet(options: KubeOptions): KubeRuleSet {
  const { endpoints = 3, nodePortEvery = 10, podCidr = '10.244.0.0/16', counters = false } = options;
  const services = options.rules === undefined ? (options.services ?? 0) : servicesFor(options.rules, endpoints, nodePortEvery);
  const nat = natTable(services, endpoints, nodePortEvery, podCidr);
  const tables = [
    saveTable('filter', ['INPUT', 'FORWARD', 'OUTPUT'], FILTER_CHAINS, FILTER_RULES, counters),
    saveTable('nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'], nat.chains, nat.rules, counters),
  ];
  return {
    text: tables.join(''),
    services,
    rules: FILTER_RULES.length + nat.rules.length,
    chains: FILTER_CHAINS.length + nat.chains.length + 7,
  };
}

/** The number of services with which the rules come closest to `rules`: 2 + 3 an endpoint each, two more with a node port. */
function servicesFor(rules: number, endpoints: number, nodePortEvery: number): number {
  const perService = 2 + 3 * endpoints + (nodePortEvery > 0 ? 2 / nodePortEvery : 0);
  return Math.max(1, Math.round((rules - 20) / perService));
}

/** The nat table's user chains in the order of their names, and its rules: built-in chains first, then chain by chain. */
function natTable(services: number, endpoints: number, nodePortEvery: number, podCidr: string): { chains: string[]; rules: Rule[] } {
  const rulesOf = new Map<string, string[]>();
  for (const chain of ['KUBE-KUBELET-CANARY', 'KUBE-PROXY-CANARY', 'KUBE-NODEPORTS', 'KUBE-SERVICES']) rulesOf.set(chain, []);
  const add = (chain: string, words: string): void => {
    const rules = rulesOf.get(chain);
    if (rules === undefined) rulesOf.set(chain, [words]);
    else rules.push(words);
  };

  add('KUBE-MARK-DROP', '-j MARK --set-xmark 0x8000/0x8000');
  add('KUBE-MARK-MASQ', '-j MARK --set-xmark 0x4000/0x4000');
  add('KUBE-POSTROUTING', '-m mark ! --mark 0x4000/0x4000 -j RETURN');
  add('KUBE-POSTROUTING', '-j MARK --set-xmark 0x4000/0x0');
  add('KUBE-POSTROUTING', `${comment('kubernetes service traffic requiring SNAT')} -j MASQUERADE --random-fully`);

  for (let i = 0; i < services; i++) {
    const name = `ns-${pad(i % 50, 2)}/svc-${pad(i, 5)}:http`;
    const service = `KUBE-SVC-${chainHash(`${name}tcp`)}`;
    const port = i % 3 === 0 ? 8080 : 80;
    const toClusterIp = `-d ${dotted(FIRST_CLUSTER_IP + i)}/32 -p tcp ${comment(`${name} cluster IP`)} -m tcp --dport ${port}`;
    add('KUBE-SERVICES', `${toClusterIp} -j ${service}`);
    add(service, `! -s ${podCidr} ${toClusterIp} -j KUBE-MARK-MASQ`);
    if (nodePortEvery > 0 && i % nodePortEvery === 0) {
      const toNodePort = `-p tcp ${comment(name)} -m tcp --dport ${FIRST_NODE_PORT + ((i / nodePortEvery) % NODE_PORTS)}`;
      add('KUBE-NODEPORTS', `${toNodePort} -j ${service}`);
      add(service, `${toNodePort} -j KUBE-MARK-MASQ`);
    }
    for (let k = 0; k < endpoints; k++) {
      const ip = dotted(FIRST_ENDPOINT_IP + i * endpoints + k);
      const endpoint = `KUBE-SEP-${chainHash(`${name}tcp${ip}:8080`)}`;
      const left = endpoints - k;
      const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${probability(left)}`;
      add(service, `${comment(`${name} -> ${ip}:8080`)}${chance} -j ${endpoint}`);
      add(endpoint, `-s ${ip}/32 ${comment(name)} -j KUBE-MARK-MASQ`);
      add(endpoint, `-p tcp ${comment(name)} -m tcp -j DNAT --to-destination ${ip}:8080`);
    }
  }
  const last = comment('kubernetes service nodeports; NOTE: this must be the last rule in this chain');
  add('KUBE-SERVICES', `${last} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`);

  const chains = [...rulesOf.keys()].sort();
  const rules: Rule[] = [
    ['PREROUTING', `${comment('kubernetes service portals')} -j KUBE-SERVICES`],
    ['OUTPUT', `${comment('kubernetes service portals')} -j KUBE-SERVICES`],
    ['POSTROUTING', `${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING`],
  ];
  for (const chain of chains) for (const words of rulesOf.get(chain) ?? []) rules.push([chain, words]);
  return { chains, rules };
}

const FILTER_CHAINS = [
  'KUBE-EXTERNAL-SERVICES',
  'KUBE-FIREWALL',
  'KUBE-FORWARD',
  'KUBE-KUBELET-CANARY',
  'KUBE-NODEPORTS',
  'KUBE-PROXY-CANARY',
  'KUBE-SERVICES',
] as const;

const NEW = '-m conntrack --ctstate NEW';
const EXTERNAL = comment('kubernetes externally-visible service portals');
const FILTER_RULES: readonly Rule[] = [
  ['INPUT', `${comment('kubernetes health check service ports')} -j KUBE-NODEPORTS`],
  ['INPUT', `${NEW} ${EXTERNAL} -j KUBE-EXTERNAL-SERVICES`],
  ['INPUT', '-j KUBE-FIREWALL'],
  ['FORWARD', `${comment('kubernetes forwarding rules')} -j KUBE-FORWARD`],
  ['FORWARD', `${NEW} ${comment('kubernetes service portals')} -j KUBE-SERVICES`],
  ['FORWARD', `${NEW} ${EXTERNAL} -j KUBE-EXTERNAL-SERVICES`],
  ['OUTPUT', `${NEW} ${comment('kubernetes service portals')} -j KUBE-SERVICES`],
  ['OUTPUT', '-j KUBE-FIREWALL'],
  [
    'KUBE-FIREWALL',
    `! -s 127.0.0.0/8 -d 127.0.0.0/8 ${comment('block incoming localnet connections')} -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP`,
  ],
  ['KUBE-FORWARD', '-m conntrack --ctstate INVALID -j DROP'],
  ['KUBE-FORWARD', `${comment('kubernetes forwarding rules')} -m mark --mark 0x4000/0x4000 -j ACCEPT`],
  ['KUBE-FORWARD', `${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`],
];

function saveTable(name: string, builtIn: readonly string[], chains: readonly string[], rules: readonly Rule[], counters: boolean): string {
  const lines = [`*${name}`];
  for (const chain of builtIn) lines.push(`:${chain} ACCEPT [0:0]`);
  for (const chain of chains) lines.push(`:${chain} - [0:0]`);
  for (const [chain, words] of rules) lines.push(`${counters ? '[0:0] ' : ''}-A ${chain} ${words}`);
  lines.push('COMMIT', '');
  return lines.join('\n');
}

function comment(text: string): string {
  return `-m comment --comment "${text}"`;
}

/**
 * The probability that one of `left` endpoints is taken, as iptables-save prints what kube-proxy wrote: kube-proxy writes ten
 * decimals, libxt_statistic keeps them in units of 2^-31 and prints eleven.
 */
function probability(left: number): string {
  const written = Number((1 / left).toFixed(10));
  return (Math.floor(0x80000000 * written + 0.5) / 0x80000000).toFixed(11);
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** As kube-proxy names chains: the first 16 characters of the SHA-256 in base 32 (RFC 4648). */
function chainHash(text: string): string {
  const digest = createHash('sha256').update(text).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 10)) bits = (bits << 8n) | BigInt(byte);
  let hash = '';
  for (let shift = 75n; shift >= 0n; shift -= 5n) hash += BASE32.charAt(Number((bits >> shift) & 31n));
  return hash;
}

function ipNumber(a: number, b: number, c: number, d: number): number {
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

function dotted(ip: number): string {
  return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
}

const pad = (n: number, width: number): string => String(n).padStart(width, '0');
