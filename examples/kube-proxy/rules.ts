// Services as save text, in kube-proxy's chains: KUBE-SERVICES knows the addresses, a KUBE-SVC- chain balances, a KUBE-SEP- chain is an endpoint.
import { createHash } from 'node:crypto';
import { formatRule, type JumpInput, type RuleSpec, rule, type Scope } from 'nflink';
import type { Service, Services } from './services.ts';

const PORTALS = 'kubernetes service portals';
const jump = (table: string, chain: string): JumpInput => ({
  table,
  chain,
  rule: rule`-m comment --comment ${PORTALS} -j KUBE-SERVICES`,
  at: 'first',
});

/** Other KUBE- chains are the kubelet's. */
const chains = /^KUBE-(SERVICES$|SVC-|SEP-)/;
export const scope = {
  tables: ['nat', 'filter'],
  chains,
  jumps: [jump('nat', 'PREROUTING'), jump('nat', 'OUTPUT'), jump('filter', 'FORWARD'), jump('filter', 'OUTPUT')],
} satisfies Scope;

/** What there is without services: nothing. */
export const nothing = '*nat\nCOMMIT\n*filter\nCOMMIT\n';

export function saveText(services: Services): string {
  const nat = new TableText('nat');
  const filter = new TableText('filter');
  for (const service of services.values()) {
    if (service.endpoints.length === 0) filter.add('KUBE-SERVICES', rejected(service));
    else balance(nat, service);
  }
  return nat.toString() + filter.toString();
}

function rejected(s: Service): RuleSpec {
  return rule`-d ${`${s.ip}/32`} -p ${s.protocol ?? 'tcp'} -m comment --comment ${`${s.name} has no endpoints`} --dport ${s.port} -j REJECT`;
}

function balance(nat: TableText, { name, ip, port, protocol = 'tcp', endpoints }: Service): void {
  const service = `KUBE-SVC-${hash(`${name} ${protocol}`)}`;
  nat.add('KUBE-SERVICES', rule`-d ${`${ip}/32`} -p ${protocol} -m comment --comment ${name} --dport ${port} -j ${service}`);
  for (const [i, to] of endpoints.entries()) {
    const endpoint = `KUBE-SEP-${hash(`${name} ${protocol} ${to}`)}`;
    const left = endpoints.length - i;
    // Each gets its part of what those before it have left.
    if (left === 1) nat.add(service, rule`-m comment --comment ${`${name} -> ${to}`} -j ${endpoint}`);
    else {
      const chance = (1 / left).toFixed(10);
      nat.add(service, rule`-m comment --comment ${`${name} -> ${to}`} -m statistic --mode random --probability ${chance} -j ${endpoint}`);
    }
    nat.add(endpoint, rule`-p ${protocol} -m comment --comment ${name} -j DNAT --to-destination ${to}`);
  }
}

class TableText {
  readonly #name: string;
  /** There also where nothing is in it: the jumps lead to it. */
  readonly #chains = new Map<string, string[]>([['KUBE-SERVICES', []]]);

  constructor(name: string) {
    this.#name = name;
  }
  /** A service may name an endpoint twice, whose chain is one. */
  add(chain: string, spec: RuleSpec): void {
    const line = `-A ${chain} ${formatRule(spec)}\n`;
    const lines = this.#chains.get(chain);
    if (lines === undefined) this.#chains.set(chain, [line]);
    else lines.push(line);
  }
  toString(): string {
    const declared = [...this.#chains.keys()].map((chain) => `:${chain} - [0:0]\n`);
    return `*${this.#name}\n${declared.join('')}${[...this.#chains.values()].flat().join('')}COMMIT\n`;
  }
}

/** Sixteen characters, as kube-proxy's names have: a chain's is 28 at most. */
function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16).toUpperCase();
}
