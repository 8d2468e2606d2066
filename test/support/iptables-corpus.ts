// A rule set of the corpus in a namespace, on either backend, with nflink beside it.
import { Iptables } from '../../lib/index.ts';
import { ipsets } from './fixtures.ts';
import { type Backend, Programs } from './iptables-programs.ts';
import { type TestNamespace, withNamespace } from './namespace.ts';

export interface CorpusHost {
  readonly ns: TestNamespace;
  readonly ipt: Iptables;
  readonly programs: Programs;
}

/** A new namespace with the sets that the rule set needs; IPv4, as the corpus is. */
export async function withCorpusHost<T>(backend: Backend, name: string, fn: (h: CorpusHost) => Promise<T>): Promise<T> {
  return await withNamespace(async (ns) => {
    const sets = ipsets(name);
    if (sets !== undefined) await ns.must('ipset', ['restore'], { input: sets });
    const ipt = await Iptables.open({ family: 'ip', backend, netns: { pid: ns.pid } });
    try {
      return await fn({ ns, ipt, programs: new Programs(backend, 'ip') });
    } finally {
      await ipt.close();
    }
  });
}
