// Save text to one nf_tables batch: every table at once, so that a restore is atomic over all of them.
import { NetfilterError, RuleSyntaxError } from '../../errors.ts';
import { Batch } from '../../nftables/batch.ts';
import { sendBatch } from '../../nftables/send.ts';
import type { Verb } from '../../run.ts';
import { builtinChain } from '../builtin.ts';
import { ValueError } from '../extensions/codec.ts';
import type { SavedTable } from '../save-text.ts';
import { IptablesBatch } from './batch.ts';
import type { CompatContext } from './context.ts';
import { ruleExpressions } from './encode.ts';

export interface RestoreSettings {
  /** Keep what the text doesn't name. */
  readonly noflush: boolean;
  readonly counters: boolean;
  readonly test: boolean;
}

/** A little more than a rule with a comment takes: the writer then need not grow. */
const BYTES_A_RULE = 700;

export function* restoreTables(context: CompatContext, tables: readonly SavedTable[], o: RestoreSettings): Verb<void> {
  yield* context.learn(rules(tables));
  const batch = new Batch(tables.reduce((sum, t) => sum + t.rules.length + t.chains.length, 1) * BYTES_A_RULE);
  const bytes = context.bytes();
  for (const table of tables) {
    if (!o.noflush) checkChains(table);
    const out = new IptablesBatch(context.family, table.name, batch);
    out.addTable();
    if (!o.noflush) {
      // Deleting needs a table to be there: it is after the line above, and then begins anew.
      out.deleteTable();
      out.addTable();
    }
    chains(out, table, o);
    for (const rule of table.rules) {
      const spec = o.counters || rule.spec.counter === undefined ? rule.spec : { ...rule.spec, counter: { packets: 0n, bytes: 0n } };
      const named = {
        verb: 'append',
        object: { rule: { family: context.family, table: table.name, chain: rule.chain, line: rule.line, rule: rule.spec } },
      };
      try {
        out.addRule(rule.chain, ruleExpressions(context.xtRule(spec, bytes)), 'last', named);
      } catch (err) {
        if (err instanceof ValueError)
          throw new NetfilterError(`line ${rule.line}: ${err.message}; nothing was sent`, {
            code: 'ERR_INVALID_ARG',
            operation: { index: batch.length, ...named },
          });
        throw err;
      }
    }
  }
  yield* sendBatch(context.connection, batch, { dryRun: o.test, handles: false });
}

function* rules(tables: readonly SavedTable[]) {
  for (const table of tables) for (const rule of table.rules) yield rule.spec;
}

/** The chains a table's text declares, and the builtin ones that its rules need. */
function chains(out: IptablesBatch, table: SavedTable, o: RestoreSettings): void {
  const declared = new Set<string>();
  for (const chain of table.chains) {
    declared.add(chain.name);
    const builtin = builtinChain(table.name, chain.name);
    if (builtin !== undefined) {
      const policy = chain.policy === undefined ? {} : { policy: chain.policy };
      out.addBuiltin(builtin, o.counters && chain.counter !== undefined ? { ...policy, counter: chain.counter } : policy);
    } else {
      out.addChain(chain.name, false);
      if (o.noflush) out.flushChain(chain.name);
    }
  }
  for (const rule of table.rules) {
    if (declared.has(rule.chain)) continue;
    declared.add(rule.chain);
    const builtin = builtinChain(table.name, rule.chain);
    if (builtin !== undefined) out.addBuiltin(builtin);
  }
}

/** Where the table begins anew, a chain that the text does not declare cannot be there. */
function checkChains(table: SavedTable): void {
  const known = new Set(table.chains.map((c) => c.name));
  for (const rule of table.rules) {
    const to = rule.spec.target;
    const wanted = [
      rule.chain,
      to !== undefined && 'jump' in to ? to.jump : undefined,
      to !== undefined && 'goto' in to ? to.goto : undefined,
    ];
    for (const chain of wanted) {
      if (chain === undefined || known.has(chain) || (chain === rule.chain && builtinChain(table.name, chain) !== undefined)) continue;
      throw new RuleSyntaxError(`table ${table.name} has no chain "${chain}"`, { word: chain, wordIndex: 0, column: 1, line: rule.line });
    }
  }
}
