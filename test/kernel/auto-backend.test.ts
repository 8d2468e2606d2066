// backend: 'auto': which backend a host's rules choose, what is said of it, and whether the other one holds rules too.
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Iptables } from '../../lib/index.ts';
import { type IpFamily, ipFamilies, Programs } from '../support/iptables-programs.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';

interface Row {
  readonly what: string;
  /** Save text by program: `nft`, `legacy` of the family that is opened, `nft6` … of the other one. */
  readonly nft?: string;
  readonly legacy?: string;
  readonly nftOther?: string;
  readonly legacyOther?: string;
  readonly chosen: 'nft' | 'legacy';
  readonly why: RegExp;
  readonly otherHasRules: boolean;
}

const rules = (n: number): string => `*filter\n${'-A INPUT -p tcp -j RETURN\n'.repeat(n)}COMMIT\n`;
const chain = (table: string, name: string): string => `*${table}\n:${name} - [0:0]\nCOMMIT\n`;
const neither = /neither/;

const table: readonly Row[] = [
  { what: 'nothing anywhere', chosen: 'nft', why: neither, otherHasRules: false },
  { what: 'only nft', nft: rules(1), chosen: 'nft', why: /nf_tables holds/, otherHasRules: false },
  {
    what: 'only legacy',
    legacy: rules(1),
    chosen: 'legacy',
    why: /legacy holds rules or user chains, nf_tables none/,
    otherHasRules: false,
  },
  {
    what: 'a legacy user chain without rules',
    legacy: chain('nat', 'X'),
    chosen: 'legacy',
    why: /legacy holds rules or user chains, nf_tables none/,
    otherHasRules: false,
  },
  { what: 'an empty legacy table', legacy: '*filter\n:INPUT DROP [0:0]\nCOMMIT\n', chosen: 'nft', why: neither, otherHasRules: false },
  { what: 'both, nft with more', nft: rules(3), legacy: rules(2), chosen: 'nft', why: /nf_tables holds .*3.*2/, otherHasRules: true },
  {
    what: 'both, legacy with more',
    nft: rules(2),
    legacy: rules(3),
    chosen: 'legacy',
    why: /legacy holds more: 3 .*2/,
    otherHasRules: true,
  },
  { what: 'both alike', nft: rules(2), legacy: rules(2), chosen: 'nft', why: /as many/, otherHasRules: true },
  {
    what: 'rules of the other family in legacy',
    legacyOther: rules(2),
    chosen: 'legacy',
    why: /legacy holds rules or user chains, nf_tables none/,
    otherHasRules: false,
  },
  {
    what: 'rules of the other family in nft',
    legacy: rules(1),
    nftOther: rules(2),
    chosen: 'nft',
    why: /nf_tables holds/,
    otherHasRules: true,
  },
  ...(['KUBE-IPTABLES-HINT', 'KUBE-KUBELET-CANARY'] as const).flatMap((name): Row[] => [
    {
      what: `${name} in nft, more in legacy`,
      nft: chain('mangle', name),
      legacy: rules(5),
      chosen: 'nft',
      why: new RegExp(`kubelet uses nft.*${name}`),
      otherHasRules: true,
    },
    {
      what: `${name} in legacy, more in nft`,
      nft: rules(5),
      legacy: chain('mangle', name),
      chosen: 'legacy',
      why: new RegExp(`kubelet uses legacy.*${name}`),
      otherHasRules: true,
    },
    {
      what: `${name} in legacy of the other family`,
      nft: rules(5),
      legacyOther: chain('mangle', name),
      chosen: 'legacy',
      why: /kubelet uses legacy/,
      otherHasRules: true,
    },
    {
      what: `${name} in another table`,
      nft: rules(5),
      legacy: chain('filter', name),
      chosen: 'nft',
      why: /nf_tables holds/,
      otherHasRules: true,
    },
  ]),
  ...(
    [
      ['filter', 'DOCKER-USER'],
      ['filter', 'DOCKER'],
      ['nat', 'DOCKER'],
    ] as const
  ).flatMap(([where, name]): Row[] => [
    {
      what: `${name} of ${where} in nft, more in legacy`,
      nft: chain(where, name),
      legacy: rules(5),
      chosen: 'nft',
      why: new RegExp(`Docker uses nft.*${name}.*${where}`),
      otherHasRules: true,
    },
    {
      what: `${name} of ${where} in legacy, more in nft`,
      nft: rules(5),
      legacy: chain(where, name),
      chosen: 'legacy',
      why: new RegExp(`Docker uses legacy.*${name}.*${where}`),
      otherHasRules: true,
    },
  ]),
  {
    what: 'kubelet in legacy, Docker in nft',
    nft: chain('nat', 'DOCKER'),
    legacy: chain('mangle', 'KUBE-IPTABLES-HINT'),
    chosen: 'legacy',
    why: /kubelet/,
    otherHasRules: true,
  },
  {
    what: 'kubelet in both',
    nft: chain('mangle', 'KUBE-IPTABLES-HINT'),
    legacy: chain('mangle', 'KUBE-IPTABLES-HINT'),
    chosen: 'nft',
    why: /kubelet uses nft/,
    otherHasRules: true,
  },
];

async function given(ns: TestNamespace, family: IpFamily, row: Row): Promise<void> {
  const other = family === 'ip' ? 'ip6' : 'ip';
  if (row.nft !== undefined) await new Programs('nft', family).restore(ns, row.nft);
  if (row.nftOther !== undefined) await new Programs('nft', other).restore(ns, row.nftOther);
  if (row.legacy !== undefined) await new Programs('legacy', family).restore(ns, row.legacy);
  if (row.legacyOther !== undefined) await new Programs('legacy', other).restore(ns, row.legacyOther);
}

for (const family of ipFamilies) {
  describe(`auto for ${family}`, () => {
    for (const row of table) {
      it(`${row.what}: ${row.chosen}`, async () => {
        await withNamespace(async (ns) => {
          await given(ns, family, row);
          await using ipt = await Iptables.open({ family, backend: 'auto', netns: ns.path });
          assert.deepEqual([ipt.backend.name, ipt.backend.otherHasRules], [row.chosen, row.otherHasRules], ipt.backend.why);
          assert.match(ipt.backend.why, row.why);
          const sync = Iptables.openSync({ family, netns: ns.path });
          assert.deepEqual(sync.backend, ipt.backend, 'and by default');
          sync.closeSync();
          // What it chose is what it uses.
          await ipt.append('raw', 'OUTPUT', '-j RETURN');
          assert.deepEqual(await new Programs(row.chosen, family).rules(ns, 'raw'), ['-A OUTPUT -j RETURN']);
        });
      });
    }

    it('a backend that is asked for is used, and the other one named where it holds rules', async () => {
      await withNamespace(async (ns) => {
        await given(ns, family, { legacy: rules(3), nft: rules(1) } as Row);
        for (const backend of ['nft', 'legacy'] as const) {
          await using ipt = await Iptables.open({ family, backend, netns: ns.path });
          assert.deepEqual(ipt.backend, { name: backend, why: 'asked for', otherHasRules: true });
        }
      });
    });

    it('tables of nft alone say nothing: iptables does not use them', async () => {
      await withNamespace(async (ns) => {
        const nft = `table ${family} mine { chain c { type filter hook input priority 0; accept; accept; }; }`;
        await ns.must('nft', ['-f', '-'], { input: `${nft}\ntable inet filter { chain INPUT { accept; }; }\n` });
        await given(ns, family, { legacy: rules(1) } as Row);
        await using ipt = await Iptables.open({ family, netns: ns.path });
        assert.deepEqual([ipt.backend.name, ipt.backend.otherHasRules], ['legacy', false]);
      });
    });

    it('is of the namespace that is opened: by path, by process, by descriptor', async () => {
      await withNamespace(async (legacy) => {
        await withNamespace(async (nft) => {
          await given(legacy, family, { legacy: rules(2) } as Row);
          await given(nft, family, { nft: rules(2) } as Row);
          for (const [ns, name] of [
            [legacy, 'legacy'],
            [nft, 'nft'],
          ] as const) {
            const fd = openSync(ns.path, 'r');
            for (const netns of [ns.path, { pid: ns.pid }, { fd }]) {
              await using ipt = await Iptables.open({ family, netns });
              assert.deepEqual([ipt.backend.name, ipt.backend.otherHasRules], [name, false]);
              assert.equal((await ipt.list('filter')).length, 2);
            }
            closeSync(fd);
          }
        });
      });
    });
  });
}
