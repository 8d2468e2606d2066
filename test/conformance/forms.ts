// The two forms of each verb as one: promises, or the sync twin behind an async function, whose throw is then a rejection.
import type { Iptables, IptablesTransaction } from '../../lib/index.ts';

export type Form = 'promise' | 'sync';
export const forms: readonly Form[] = ['promise', 'sync'];

type VerbName = Extract<
  keyof Iptables,
  | 'append'
  | 'insert'
  | 'replace'
  | 'delete'
  | 'deleteAt'
  | 'exists'
  | 'appendUnique'
  | 'insertUnique'
  | 'deleteIfExists'
  | 'newChain'
  | 'ensureChain'
  | 'flushChain'
  | 'deleteChain'
  | 'renameChain'
  | 'setPolicy'
  | 'listChains'
  | 'list'
  | 'snapshot'
  | 'save'
  | 'restore'
  | 'counters'
>;
/** Without the options that sync twins don't have. */
export type Verbs = Pick<Iptables, VerbName>;
export type Commits = Pick<IptablesTransaction, 'check' | 'commit'>;

export function verbsOf(ipt: Iptables, form: Form): Verbs {
  if (form === 'promise') return ipt;
  return {
    append: async (table, chain, r) => ipt.appendSync(table, chain, r),
    insert: async (table, chain, number, r) => ipt.insertSync(table, chain, number, r),
    replace: async (table, chain, number, r) => ipt.replaceSync(table, chain, number, r),
    delete: async (table, chain, r) => ipt.deleteSync(table, chain, r),
    deleteAt: async (table, chain, number) => ipt.deleteAtSync(table, chain, number),
    exists: async (table, chain, r) => ipt.existsSync(table, chain, r),
    appendUnique: async (table, chain, r) => ipt.appendUniqueSync(table, chain, r),
    insertUnique: async (table, chain, number, r) => ipt.insertUniqueSync(table, chain, number, r),
    deleteIfExists: async (table, chain, r) => ipt.deleteIfExistsSync(table, chain, r),
    newChain: async (table, chain) => ipt.newChainSync(table, chain),
    ensureChain: async (table, chain) => ipt.ensureChainSync(table, chain),
    flushChain: async (table, chain) => ipt.flushChainSync(table, chain),
    deleteChain: async (table, chain) => ipt.deleteChainSync(table, chain),
    renameChain: async (table, from, to) => ipt.renameChainSync(table, from, to),
    setPolicy: async (table, chain, policy) => ipt.setPolicySync(table, chain, policy),
    listChains: async (table) => ipt.listChainsSync(table),
    list: async (table, chain) => ipt.listSync(table, chain),
    snapshot: async (o) => ipt.snapshotSync(o),
    save: async (o) => ipt.saveSync(o),
    restore: async (text, o) => ipt.restoreSync(text, o),
    counters: async (o) => ipt.countersSync(o),
  };
}

export function commitsOf(tx: IptablesTransaction, form: Form): Commits {
  if (form === 'promise') return { check: async (o) => await tx.check(o), commit: async (o) => await tx.commit(o) };
  return { check: async () => tx.checkSync(), commit: async () => tx.commitSync() };
}
