// Where the two backends are meant to differ. A test asks for its entry; one that nothing asks for, on either backend, fails the suite it names.
import type { Backend } from '../support/iptables-programs.ts';

export const suites = ['rules', 'chains', 'transactions', 'restore', 'reading', 'lifecycle'] as const;
export type Suite = (typeof suites)[number];

interface Difference extends Readonly<Record<Backend, unknown>> {
  readonly suite: Suite;
  readonly why: string;
}

export const differences = {
  'an error names the attribute': {
    suite: 'rules',
    why: 'the kernel’s extended acknowledgement points at an attribute; setsockopt has an errno only',
    legacy: false,
    nft: true,
  },
  'a jump to a builtin chain is refused as': {
    suite: 'rules',
    why: 'libiptc does not know such a jump; nf_tables has a number for it (nft_verdict_init)',
    legacy: 'EINVAL',
    nft: 'EOPNOTSUPP',
  },
  'a loop is refused as': {
    suite: 'rules',
    why: 'ip_tables and nf_tables name it by other numbers (mark_source_chains, nft_chain_validate)',
    legacy: 'ELOOP',
    nft: 'EMLINK',
  },
  'after a commit a policy has counted': {
    suite: 'chains',
    why: 'libiptc zeroes what policies have counted with every commit (__iptcc_p_del_policy: COUNTER_MAP_ZEROED)',
    legacy: '[0:0]',
    nft: '[7:8]',
  },
  'the old name of a renamed chain is free before the commit': {
    suite: 'restore',
    why: 'nf_tables renames with the commit: until then the old name stands for the renamed chain (nft_chain_commit_update)',
    legacy: true,
    nft: false,
  },
  'rules have handles': {
    suite: 'transactions',
    why: 'ip_tables knows a rule by its place only',
    legacy: false,
    nft: true,
  },
  'a commit has a generation': {
    suite: 'transactions',
    why: 'ip_tables counts no commits',
    legacy: false,
    nft: true,
  },
  'check asks the kernel': {
    suite: 'transactions',
    why: 'ip_tables has no dry run: what only the kernel would refuse is found by the commit',
    legacy: false,
    nft: true,
  },
  'operations 0 and 2 of three fail: named are': {
    suite: 'transactions',
    why: 'libiptc is asked one operation after the other; nf_tables answers for all of a batch',
    legacy: [0],
    nft: [0, 2],
  },
  'the kernel refuses operation 1 of two: named is': {
    suite: 'transactions',
    why: 'ip_tables takes a whole table and says no more than an errno',
    legacy: undefined,
    nft: 1,
  },
  'restore with test asks the kernel': {
    suite: 'restore',
    why: 'ip_tables has no dry run',
    legacy: false,
    nft: true,
  },
  'the second of three tables is refused': {
    suite: 'restore',
    why: 'ip_tables takes a table at a time; nf_tables takes all tables in one transaction',
    legacy: { outcome: 'partly-applied', tables: ['nat'] },
    nft: { outcome: 'not-applied', tables: undefined },
  },
  'the kernel’s refusal names the line': {
    suite: 'restore',
    why: 'ip_tables takes a whole table and says no more than an errno',
    legacy: false,
    nft: true,
  },
  'a rule has a handle': {
    suite: 'reading',
    why: 'ip_tables knows a rule by its place only',
    legacy: false,
    nft: true,
  },
  'counters have handles': {
    suite: 'reading',
    why: 'ip_tables knows a rule by its place only',
    legacy: false,
    nft: true,
  },
  'a snapshot has a generation': {
    suite: 'reading',
    why: 'ip_tables counts no commits, and its tables are read one by one',
    legacy: false,
    nft: true,
  },
  'the security table hooks at': {
    suite: 'reading',
    why: 'iptables-nft registers it at 150, the kernel’s own at NF_IP_PRI_SECURITY',
    legacy: 50,
    nft: 150,
  },
  'a held lock stops writing': {
    suite: 'lifecycle',
    why: 'the lock is what keeps legacy writers apart; nf_tables has transactions',
    legacy: true,
    nft: false,
  },
} as const satisfies Readonly<Record<string, Difference>>;

export type DifferenceName = keyof typeof differences;
