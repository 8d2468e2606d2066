// Compiled, not run: what users write must type-check, and what is wrong must not.
import { createServer, type Server } from 'node:http';
import {
  compile,
  type Expression,
  expressions as e,
  formatRule,
  Iptables,
  NetfilterError,
  type Nftables,
  type NftPlan,
  type NftSyncReport,
  parseRule,
  type Queue,
  type QueueOptions,
  type RuleSpec,
  RuleSyntaxError,
  type RunResult,
  rule,
} from 'nflink';
import { NetfilterCollector } from 'nflink/prometheus';
import * as prometheus from 'prom-client';

export const ssh: readonly Expression[] = [
  e.meta('l4proto'),
  e.cmp('==', e.u8(6)),
  e.payload('transport', 2, 2),
  e.cmp('==', e.be16(22)),
  e.counter(),
  e.accept(),
];

// @ts-expect-error a bare number has no width: 6 is one byte after meta l4proto, four host-order bytes after meta mark
e.cmp('==', 6);
// @ts-expect-error no such key
e.meta('l5proto');
// @ts-expect-error a base that isn't there
e.payload('network2', 0, 1);
// @ts-expect-error a family that isn't there
export const opened = Iptables.open({ family: 'arp' });

/** Serve the packets of a few named rules. */
export function metrics(nft: Nftables, names: readonly string[]): Server {
  return createServer((_req, res) => {
    void nft.counters({ table: { family: 'inet', name: 'edge' } }).then(
      (c) => {
        res.end(
          names
            .map((n) => {
              const i = c.indexOf({ comment: n });
              return i < 0 ? '' : `nft_packets_total{rule="${n}"} ${c.packets[i] ?? 0n}\n`;
            })
            .join(''),
        );
      },
      (err: unknown) => {
        res.writeHead(503).end(String(err));
      },
    );
  });
}

export async function publish(ipt: Iptables, host: number, ip: string, port: number, name: string): Promise<void> {
  const dnat: RuleSpec = rule`! -i docker0 -p tcp -m tcp --dport ${host} -m comment --comment ${name} -j DNAT --to-destination ${`${ip}:${port}`}`;
  const tx = ipt.transaction('nat');
  const op = tx.append('DOCKER', dnat);
  tx.delete('DOCKER', ['-i', 'docker0', '-j', 'RETURN']);
  tx.insert('DOCKER', 1, '-i docker0 -j RETURN');
  try {
    const result = await tx.commit({ signal: AbortSignal.timeout(1000) });
    console.log(result.handle(op), result.generation, formatRule(dnat), parseRule('-j ACCEPT').target);
  } catch (err) {
    if (err instanceof RuleSyntaxError) console.error(`line ${err.line ?? '?'}: ${err.word}`);
    else if (err instanceof NetfilterError)
      console.error(
        err.code,
        err.outcome,
        err.failures.map((f) => f.operation?.path),
      );
    else throw err;
  }
}

/** What a service's many changes go through. */
export async function change(queue: Queue, o: QueueOptions): Promise<number> {
  await queue.append('filter', 'INPUT', '-j ACCEPT', { signal: AbortSignal.timeout(1000) });
  await queue.delete('filter', 'INPUT', ['-j', 'ACCEPT']);
  // @ts-expect-error the table is missing
  await queue.append('INPUT', '-j ACCEPT');
  await queue.flush();
  await queue.close();
  return (o.maxDelayMs ?? 5) + (o.maxBatch ?? 1000);
}

export async function load(text: string): Promise<number> {
  await using ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: '/run/netns/blue' });
  const compiled = compile(text);
  await ipt.restore(compiled, { counters: true });
  for (const r of (await ipt.snapshot({ tables: ['nat'] })).rules({ chain: 'DOCKER' }))
    console.log(r.index + 1, String(r), r.counter?.packets);
  return compiled.rules;
}

export async function listed(ipt: Iptables): Promise<string> {
  const { changed }: RunResult = ipt.runSync(['-A', 'INPUT', '-j', 'ACCEPT']);
  return changed ? (await ipt.run('-nvL INPUT', { signal: AbortSignal.timeout(1000) })).stdout : '';
}

export const typed: RuleSpec = {
  protocol: 'tcp',
  source: { not: '10.0.0.0/8' },
  matches: [
    { name: 'comment', comment: 'typed' },
    { name: 'mark', mark: { not: { value: 1, mask: 0xff } } },
  ],
  target: { jump: 'KUBE-SVC' },
};
export const mistyped: RuleSpec = {
  // @ts-expect-error a comment is text
  matches: [{ name: 'comment', comment: 5 }],
};

/** 100,000 addresses with a time to live into a set, in one transaction. */
export async function feed(nft: Nftables, ips: readonly string[], ttlSeconds: number, signal: AbortSignal): Promise<void> {
  const set = { family: 'inet', table: 'edge', name: 'blocked' } as const;
  const tx = nft.transaction();
  tx.add({ table: { family: 'inet', name: 'edge' } });
  tx.add({ set: { ...set, type: 'ipv4_addr', flags: ['timeout'] } });
  const keys = new Uint8Array(ips.length * 4);
  ips.forEach((ip, i) => {
    keys.set(ip.split('.').map(Number), i * 4);
  });
  tx.add({ element: { ...set, elem: { keys, timeout: ttlSeconds } } });
  await tx.commit({ handles: false, signal });
}

export async function watch(nft: Nftables, signal: AbortSignal): Promise<void> {
  for await (const ev of nft.events({ signal })) {
    switch (ev.kind) {
      case 'commit':
        if (!ev.own) console.log(ev.generation, ev.process, ev.tid, ev.changes.length);
        break;
      case 'overrun':
        console.log('events were lost');
        break;
      case 'trace':
        console.log(ev.id, ev.verdict, ev.rule?.handle);
        break;
      default:
        ev satisfies never;
    }
  }
}

export async function move(from: Nftables, to: Nftables): Promise<void> {
  await to.restore(await from.snapshot(), { existing: 'replace', counters: true });
}

export async function follow(nft: Nftables, file: unknown): Promise<NftSyncReport> {
  const scope = { tables: [{ family: 'inet', name: 'guard' }], chains: /^APP-/ } as const;
  const plan: NftPlan = await nft.plan(await nft.snapshot(), scope, { counters: true });
  console.log(
    plan.chains.changed.map(({ name, differs }) => `${name}: ${differs.join()}`),
    plan.elements.refreshed,
  );
  // @ts-expect-error a family that isn't there
  await nft.sync(file, { tables: [{ family: 'ipx', name: 't' }] });
  return plan.empty ? await nft.sync(file) : plan.applySync();
}

/** Options and values of extensions are typed: an editor completes them. */
export const established: RuleSpec = {
  protocol: 'tcp',
  matches: [
    { name: 'conntrack', ctstate: ['NEW', 'ESTABLISHED'] },
    { name: 'hashlimit', hashlimitUpto: '5/sec', hashlimitName: 'ssh', hashlimitMode: ['srcip'] },
    { name: 'policy', dir: 'in', pol: 'ipsec', elements: [{ proto: 'esp', mode: 'tunnel' }] },
  ],
  target: { name: 'REJECT', rejectWith: 'tcp-reset' },
};
// @ts-expect-error a state that isn't one
export const neww: RuleSpec = { matches: [{ name: 'conntrack', ctstate: ['NEWW'] }] };
// @ts-expect-error no such option
export const dports: RuleSpec = { matches: [{ name: 'tcp', dports: 22 }] };
// @ts-expect-error no such kind of rejection
export const rejected: RuleSpec = { target: { name: 'REJECT', rejectWith: 'tcp-rst' } };

/** The packets of services, in prom-client's own registry. */
export function collect(nft: Nftables, ipt: Iptables): NetfilterCollector {
  return new NetfilterCollector(prometheus, {
    sources: [nft, ipt],
    rules: { names: ['service'], labels: ({ comment }) => (comment === undefined ? undefined : { service: comment }) },
    onError: (error, { source, of }) => console.error(source, of, error.message),
  });
}
// @ts-expect-error the module is the caller's
new NetfilterCollector({ sources: [] });
