// What the scenarios of syncs have in common: a kube-proxy rule set that is loaded, and texts of which each asks for ten other rules.
import { type CompiledRuleset, compile, Iptables, rule, type Scope, type SyncReport } from 'nflink';
import { PrivateNamespace } from '../harness/namespace.ts';
import { type KubeRuleSet, kubeRuleSet } from '../kube.ts';
import { changedKube } from '../kube-changes.ts';

export type Backend = 'nft' | 'legacy';

export const CHANGES = 10;
export const TABLES = ['filter', 'nat'];
/** As kube-proxy's: its own chains, and the jump that leads there. */
export const scope: Scope = {
  tables: TABLES,
  chains: /^KUBE-/,
  jumps: [
    { table: 'nat', chain: 'PREROUTING', rule: rule`-m comment --comment ${'kubernetes service portals'} -j KUBE-SERVICES`, at: 'first' },
  ],
};

/** Texts that were compiled and synced before, in turns: more than two, so that each asks for other rules than the one before, whoever's turn it was. */
const VERSIONS = 3;

export class KubeTexts {
  readonly set: KubeRuleSet;
  readonly texts: readonly string[];
  readonly compiled: readonly CompiledRuleset[];
  #turn = 0;
  #versions = VERSIONS;

  constructor(size: number) {
    this.set = kubeRuleSet({ rules: size, endpoints: 5 });
    this.texts = Array.from({ length: VERSIONS }, (_, version) => changedKube(this.set.text, CHANGES, version));
    this.compiled = this.texts.map((text) => compile(text));
  }
  get subject(): string {
    return `${CHANGES} of ${this.set.rules} rules in ${this.set.chains} chains`;
  }
  /** Rules in the scope. */
  get rules(): number {
    return (this.compiled[0] as CompiledRuleset).rules + 1;
  }
  /** The next number of a text or compiled one. */
  turn(): number {
    return this.#turn++ % VERSIONS;
  }
  /** A text that nobody has seen. */
  unseen(): string {
    return changedKube(this.set.text, CHANGES, this.#versions++);
  }

  check(who: string, { added, removed, moved, kept, retries }: SyncReport, changes = CHANGES): void {
    if (added === changes && removed === changes && moved === 0 && kept === this.rules - changes && retries === 0) return;
    throw new Error(
      `${who}: +${added} -${removed} ~${moved} =${kept}, ${retries} retries: +${changes} -${changes} ~0 =${this.rules - changes} is right`,
    );
  }
}

/** A namespace with the rule set. */
export async function loaded(backend: Backend, { set }: KubeTexts): Promise<PrivateNamespace> {
  const ns = await PrivateNamespace.create();
  await ns.must(`iptables-${backend}-restore`, [], { input: set.text });
  return ns;
}

/** nflink in such a namespace, with all compiled texts synced once. */
export async function warm(backend: Backend, ns: PrivateNamespace, texts: KubeTexts): Promise<Iptables> {
  const ipt = await Iptables.open({ family: 'ip', backend, netns: { pid: ns.pid } });
  for (let n = 0; n < VERSIONS; n++) await ipt.sync(texts.compiled[texts.turn()] as CompiledRuleset, scope);
  return ipt;
}
