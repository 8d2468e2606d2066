// What tests of the iptables layer share: a namespace with nflink in it.
import { Iptables } from '../../lib/index.ts';
import { withLockFile } from './lock-file.ts';
import { type TestNamespace, withNamespace } from './namespace.ts';

export type Backend = 'nft' | 'legacy';
export const backends: readonly Backend[] = ['nft', 'legacy'];

/** The real program for a backend. */
export function program(backend: Backend, family: 'ip' | 'ip6' = 'ip'): string {
  return `${family}tables-${backend}`;
}

/** A new namespace and an Iptables in it, both closed afterwards. */
export async function withIptables(
  fn: (ipt: Iptables, ns: TestNamespace) => Promise<void>,
  { backend = 'nft', family = 'ip' }: { readonly backend?: Backend; readonly family?: 'ip' | 'ip6' } = {},
): Promise<void> {
  const run = (): Promise<void> =>
    withNamespace(async (ns) => {
      const ipt = await Iptables.open({ family, backend, netns: { pid: ns.pid } });
      try {
        await fn(ipt, ns);
      } finally {
        await ipt.close();
      }
    });
  await (backend === 'legacy' ? withLockFile(run) : run());
}

/** The `-A` lines of a table as the real program saves it. */
export async function realRules(ns: TestNamespace, table: string): Promise<string[]> {
  return (await ns.must('iptables-nft-save', ['-t', table])).split('\n').filter((line) => line.startsWith('-A '));
}
