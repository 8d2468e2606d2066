// Rules of single expressions in the real kernel, and what it dumps of them.
import assert from 'node:assert/strict';
import { type Expression, Nftables, type NftTransaction } from '../../lib/index.ts';
import type { Family } from '../../lib/model/ruleset.ts';
import { ruleTable } from '../../lib/nftables/objects/rule.ts';
import { findAttribute } from '../../lib/wire/attributes.ts';
import { TestNamespace } from './namespace.ts';
import { chains, nftStatements } from './nft-statements.ts';
import { rawRules } from './raw-dump.ts';

const NFTA_RULE_EXPRESSIONS = 4;

/** A namespace with the table t, and in it the chains and objects of nft-statements.ts, without a rule. */
export async function filled(family: Family): Promise<{ readonly ns: TestNamespace; readonly nft: Nftables } & AsyncDisposable> {
  const ns = await TestNamespace.create();
  const { objects, statements } = nftStatements[family] ?? { objects: '', statements: {} };
  const empty = Object.keys(statements).map((chain) => `chain ${chain} { ${chains[chain]} }`);
  ns.mustSync('nft', ['-f', '-'], { input: `table ${family} t {\n${objects}\n${empty.join('\n')}\n}\n` });
  const nft = await Nftables.open({ netns: ns.path });
  return {
    ns,
    nft,
    [Symbol.asyncDispose]: async () => {
      await nft.close();
      await ns.close();
    },
  };
}
export const addRule = (tx: NftTransaction, family: Family, chain: string, list: readonly Expression[]): void => {
  tx.add({ rule: { family, table: 't', chain, expressions: list } });
};

export interface Dumped {
  readonly chain: string | undefined;
  readonly read: readonly Expression[];
  /** NFTA_RULE_EXPRESSIONS as it came. */
  readonly bytes: Uint8Array;
}
/** The expressions of all rules as the kernel dumps them. */
export function dumpedRules(ns: TestNamespace): Dumped[] {
  return rawRules(ns.path, { counters: true }).map(({ attributes }) => {
    const bytes = new Uint8Array(Buffer.from(attributes, 'hex'));
    const at = findAttribute(bytes, 0, bytes.length, NFTA_RULE_EXPRESSIONS);
    const rule = ruleTable.decode(bytes, 0, bytes.length);
    assert.ok(rule !== undefined && at !== undefined);
    return { chain: rule.chain, read: (rule.expressions ?? []) as readonly Expression[], bytes: bytes.slice(at[0] - 4, at[1]) };
  });
}
