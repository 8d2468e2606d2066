// nf_tables for tests: one namespace with an open connection, and what the real nft says is in it.
import assert from 'node:assert/strict';
import {
  type Expression,
  expressions,
  type NetfilterError,
  Nftables,
  type NftTransaction,
  type ObjectInput,
  type Operation,
} from '../../lib/index.ts';
import { type RunOptions, TestNamespace } from './namespace.ts';

export const FAMILY = 'ip';
export const TABLE = 't';

/** A rule that only counts; its comment is its name in tests. */
export const ruleNamed = (
  comment: string,
  chain = 'c',
  list: readonly Expression[] = [expressions.counter()],
): {
  readonly rule: {
    readonly family: 'ip';
    readonly table: string;
    readonly chain: string;
    readonly comment: string;
    readonly expressions: readonly Expression[];
  };
} => ({
  rule: { family: FAMILY, table: TABLE, chain, comment, expressions: list },
});
export const chainNamed = (name: string): ObjectInput => ({ chain: { family: FAMILY, table: TABLE, name } });
export const tableT: ObjectInput = { table: { family: FAMILY, name: TABLE } };

/** Adds table t and the chains. */
export function addChains(tx: NftTransaction, ...chains: readonly string[]): Operation[] {
  return [tx.add(tableT), ...chains.map((name) => tx.add(chainNamed(name)))];
}

/** What the real nft lists of one rule. */
export interface ListedRule {
  readonly chain: string;
  readonly comment?: string;
  readonly handle: number;
}

export class NftFixture implements AsyncDisposable {
  readonly ns: TestNamespace;
  readonly nft: Nftables;

  private constructor(ns: TestNamespace, nft: Nftables) {
    this.ns = ns;
    this.nft = nft;
  }
  static async create(): Promise<NftFixture> {
    const ns = await TestNamespace.create();
    return new NftFixture(ns, await Nftables.open({ netns: ns.path }));
  }
  /** With table t and the chains. */
  static async withChains(...chains: readonly string[]): Promise<NftFixture> {
    const fixture = await NftFixture.create();
    const tx = fixture.nft.transaction();
    addChains(tx, ...chains);
    tx.commitSync();
    return fixture;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.nft.close();
    await this.ns.close();
  }

  must(command: string, args: readonly string[], options: RunOptions = {}): string {
    return this.ns.mustSync(command, args, options);
  }
  /** The whole ruleset as the real nft prints it, with handles. */
  listing(): string {
    return this.must('nft', ['-a', 'list', 'ruleset']);
  }
  rules(chain = 'c'): ListedRule[] {
    const { nftables } = JSON.parse(this.must('nft', ['-j', '-a', 'list', 'ruleset'])) as { nftables: { rule?: ListedRule }[] };
    return nftables.flatMap((o) => (o.rule !== undefined && o.rule.chain === chain ? [o.rule] : []));
  }
  /** The comments of a chain's rules, in the order of the real nft. */
  comments(chain = 'c'): (string | undefined)[] {
    return this.rules(chain).map((r) => r.comment);
  }
}

/** The NetfilterError that `call` throws or rejects with. */
export async function failureOf(call: () => unknown): Promise<NetfilterError> {
  try {
    await call();
  } catch (err) {
    assert.ok(err instanceof Error && err.name === 'NetfilterError', `another error than expected: ${err}`);
    return err as NetfilterError;
  }
  throw new assert.AssertionError({ message: 'no error' });
}
