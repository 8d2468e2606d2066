// iptables on nf_tables: each thing Iptables can do, as a verb.
import type { Connection } from '../../connection.ts';
import { type CountedChain, type NamedCounters, namedCounters } from '../../counters/named.ts';
import type { RuleCounters } from '../../counters/rows.ts';
import { ENOENT } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import { countRules, type RowView } from '../../nftables/counters.ts';
import { RuleDump } from '../../nftables/installed-rule.ts';
import { readChainCounters } from '../../nftables/named-counters.ts';
import { families } from '../../nftables/objects/messages.ts';
import { readPicture } from '../../nftables/picture.ts';
import { dumpRules, readGeneration } from '../../nftables/read.ts';
import type { Verb } from '../../run.ts';
import type { CommitSettings, IptablesBackend } from '../backend.ts';
import { builtinChain, builtinChains, noChain, tableNames } from '../builtin.ts';
import { byBytes } from '../chain-order.ts';
import type { Command, TableCommands } from '../commands.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { IptablesRule, RuleSpec } from '../rule-spec.ts';
import type { SavedTable } from '../save-text.ts';
import { ChainState } from './chain-state.ts';
import { CompatChanges } from './changes.ts';
import { type CommandsResult, commitCommands } from './commands.ts';
import { CompatContext } from './context.ts';
import { CompatRule } from './installed.ts';
import { askChain, dumpChains, hasTable, hiddenChain } from './look.ts';
import { CompatMirror } from './mirror.ts';
import { type RestoreSettings, restoreTables } from './restore.ts';
import { CompatRuleset, isIptablesChain, isUsableChain } from './ruleset.ts';
import { CompatSync } from './sync.ts';

export class CompatBackend implements IptablesBackend {
  readonly name = 'nft';
  readonly #connection: Connection;
  readonly #family: IpFamily;
  readonly sync: CompatSync;
  readonly #context: CompatContext;

  constructor(connection: Connection, family: IpFamily) {
    this.#connection = connection;
    this.#family = family;
    this.#context = new CompatContext(connection, family);
    this.sync = new CompatSync(this.#context);
  }

  commit(table: string, commands: readonly Command[], o: CommitSettings): Verb<CommandsResult> {
    return commitCommands(this.#context, [{ table, commands, fresh: false }], o);
  }

  commitTables(work: readonly TableCommands[], o: CommitSettings): Verb<CommandsResult> {
    return commitCommands(this.#context, work, { ...o, handles: false });
  }

  /** What a socket takes at once is bounded. */
  fewerMayPass(err: NetfilterError): boolean {
    return err.code === 'EMSGSIZE';
  }

  learn(rules: Iterable<RuleSpec>): Verb<void> {
    return this.#context.learn(rules);
  }

  restore(tables: readonly SavedTable[], o: RestoreSettings): Verb<void> {
    return restoreTables(this.#context, tables, o);
  }

  *snapshot(only?: readonly string[]): Verb<CompatRuleset> {
    const single = only?.length === 1 && only[0] !== undefined ? { family: this.#family, name: only[0] } : undefined;
    return new CompatRuleset(
      yield* readPicture(this.#connection, { ...(single === undefined ? {} : { table: single }), elements: false }),
      this.#context.bytes(),
      only,
    );
  }

  *exists(table: string, chain: string, rule: RuleSpec): Verb<boolean> {
    const dump = yield* this.#chain(table, chain);
    if (dump.length === 0 || (yield* this.#isHidden(table, chain, dump))) return false;
    yield* this.#context.learn([rule]);
    const bytes = this.#context.bytes();
    return new ChainState(bytes, dump).find(this.#context.xtRule(rule, bytes)) >= 0;
  }

  *list(table: string, chain: string | undefined): Verb<readonly IptablesRule[]> {
    if (chain === undefined) return [...(yield* this.snapshot([table])).rules()];
    const dump = yield* this.#chain(table, chain);
    if (builtinChain(table, chain) === undefined) yield* this.#mustExist(table, chain);
    else if (dump.length > 0 && (yield* this.#isHidden(table, chain, dump))) return [];
    const bytes = this.#context.bytes();
    return Array.from({ length: dump.length }, (_, row) => new CompatRule(dump, row, bytes));
  }

  *chains(table: string): Verb<readonly string[]> {
    const all = yield* dumpChains(this.#connection, this.#family);
    const user = all.filter((a) => a.table === table && a.hook === undefined).map((a) => a.name ?? '');
    const builtin = (builtinChains(table) ?? []).map((c) => c.name);
    return [...builtin, ...user.filter((name) => !builtin.includes(name)).sort(byBytes)];
  }

  *chainCounters(table: string | undefined): Verb<NamedCounters<CountedChain>> {
    const all = yield* readChainCounters(this.#connection, table === undefined ? undefined : { family: this.#family, name: table });
    const rows = Array.from({ length: all.length }, (_, i) => ({
      of: all.row(i),
      packets: all.packets[i] ?? 0n,
      bytes: all.bytes[i] ?? 0n,
    }));
    // Other base chains are nft's.
    const mine = rows.filter(({ of }) => of.family === this.#family && builtinChain(of.table, of.name) !== undefined);
    return namedCounters(mine, all.generation);
  }

  mirror(tables: readonly string[]): CompatMirror {
    return new CompatMirror(this.#context, tables);
  }

  changes(tables: readonly string[]): CompatChanges {
    return new CompatChanges(this.#connection, this.#family, tables);
  }

  hasTable(table: string): Verb<boolean> {
    return hasTable(this.#context, table);
  }

  *counters(table: string | undefined, chain: string | undefined): Verb<RuleCounters> {
    const bytes = this.#context.bytes();
    const view: RowView = (dump, row, counter) => new CompatRule(dump, row, bytes, counter);
    // Other tables of the family are nft's, not iptables': each is asked for by name.
    const tables = table === undefined ? tableNames : [table];
    const scopes = tables.map((name) => ({ family: families[this.#family], table: name, ...(chain === undefined ? {} : { chain }) }));
    return yield* countRules(this.#connection, scopes, view);
  }

  *#chain(table: string, chain: string): Verb<RuleDump> {
    return new RuleDump(yield* dumpRules(this.#connection, { family: families[this.#family], table, chain }));
  }

  /** Whether a builtin chain's name stands for a chain that iptables does not see as one. */
  *#isHidden(table: string, chain: string, { reply }: RuleDump): Verb<boolean> {
    const { known } = this.#context;
    if (builtinChain(table, chain) === undefined || known.hasIn(reply.generation16, table, chain)) return false;
    const { generation } = yield* readGeneration(this.#connection);
    const found = yield* askChain(this.#context, table, chain);
    if (found === undefined) return false;
    if (!isUsableChain(table, this.#family, found)) return true;
    known.add(generation, table, chain);
    return false;
  }

  *#mustExist(table: string, chain: string): Verb<void> {
    const found = yield* askChain(this.#context, table, chain);
    if (found === undefined) throw new NetfilterError(noChain(table, chain), { code: 'ENOENT', errno: ENOENT });
    if (!isIptablesChain(table, this.#family, found)) throw hiddenChain(table, chain, found.hook !== undefined);
  }
}
