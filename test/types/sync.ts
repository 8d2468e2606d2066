// Compiled, not run: programs that keep rules as they should be, as users write them.
import { compile, Iptables, type Mirror, NetfilterError, Nftables, type Plan, RuleSyntaxError, rule, type Scope } from 'nflink';

/** Follow a changing list of services as kube-proxy does: only what changed is written. */
export async function kubeProxy(changes: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  const ipt = await Iptables.open({ family: 'ip', backend: 'auto', lockTimeoutMs: 5000, signal });
  console.log(ipt.backend.why);
  const scope: Scope = {
    tables: ['nat', 'filter'],
    chains: /^KUBE-/,
    jumps: [
      {
        table: 'nat',
        chain: 'PREROUTING',
        rule: rule`-m comment --comment ${'kubernetes service portals'} -j KUBE-SERVICES`,
        at: 'first',
      },
    ],
  };
  try {
    for await (const text of changes) {
      try {
        const r = await ipt.sync(compile(text), scope, { signal });
        console.log(`+${r.added} -${r.removed} =${r.kept}, ${r.retries} retries`);
      } catch (err) {
        if (err instanceof RuleSyntaxError) console.error(`line ${err.line ?? '?'}: ${err.word}`);
        else if (err instanceof NetfilterError && err.outcome === 'partly-applied') console.error('done:', err.tables);
        else throw err;
      }
    }
  } finally {
    await ipt.close();
  }
}

/** In a container's namespace: log who changes what, and put back what should be there. */
export async function guard(pid: number, desired: string, signal: AbortSignal): Promise<void> {
  const nft = await Nftables.open({ netns: { pid }, signal });
  const ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid }, signal });
  const want = compile(desired);
  const log = (async () => {
    for await (const ev of nft.events({ signal })) if (ev.kind === 'commit' && !ev.own) console.log(ev.process, ev.tid, ev.changes.length);
  })();
  for await (const d of ipt.watchDrift(() => want, { chains: /^APP-/ }, { repair: true, minIntervalMs: 1000, signal })) {
    switch (d.kind) {
      case 'drift':
        console.log(`${d.process ?? 'someone'}\n${d.diff}`);
        break;
      case 'repaired':
        console.log(d.report.added, d.report.generation);
        break;
      case 'error':
        console.error(d.error.code);
        break;
      default:
        d satisfies never;
    }
  }
  await log;
  await ipt.close();
  await nft.close();
}

/** Look before it is done. */
export async function asked(ipt: Iptables, text: string, confirm: (diff: string) => Promise<boolean>): Promise<boolean> {
  const plan: Plan = await ipt.plan(text, { tables: ['filter'] });
  if (plan.empty || !(await confirm(plan.toString()))) return false;
  const { moved } = await plan.apply({ carryCounters: true });
  return moved === plan.moved;
}

/** Lookups that are no calls. */
export async function published(ipt: Iptables, ports: readonly number[]): Promise<readonly number[]> {
  await using mirror: Mirror = await ipt.mirror({ tables: ['nat'] });
  return ports.filter((port) => mirror.exists('nat', 'DOCKER', rule`-p tcp -m tcp --dport ${port} -j RETURN`));
}

// @ts-expect-error a jump stands first or last
export const second: Scope = { jumps: [{ table: 'nat', chain: 'INPUT', rule: '-j ACCEPT', at: 'second' }] };
// @ts-expect-error a sync says what it touches by chains, not by one
export const chain: Scope = { chain: 'KUBE-SERVICES' };
