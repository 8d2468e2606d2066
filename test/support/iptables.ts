// What tests of the iptables layer share: a namespace with nflink in it.
import { Iptables } from '../../lib/index.ts';
import { type TestNamespace, withNamespace } from './namespace.ts';

/** A new namespace and an Iptables on nf_tables in it, both closed afterwards. */
export async function withIptables(fn: (ipt: Iptables, ns: TestNamespace) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    const ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: { pid: ns.pid } });
    try {
      await fn(ipt, ns);
    } finally {
      await ipt.close();
    }
  });
}

/** The `-A` lines of a table as the real program saves it. */
export async function realRules(ns: TestNamespace, table: string): Promise<string[]> {
  return (await ns.must('iptables-nft-save', ['-t', table])).split('\n').filter((line) => line.startsWith('-A '));
}
