// The keys of desired rules, made once for a text: whoever passes the result of compile() again has them.
import { NetfilterError } from '../../errors.ts';
import { Slice, type Verb } from '../../run.ts';
import { ValueError } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { DesiredChain, DesiredTable } from './desired.ts';
import type { KeyKind } from './rule-key.ts';
import type { DesiredKeys } from './table-plan.ts';

/** How a backend writes keys. */
export interface KeyMaker extends KeyKind {
  ofSpec(spec: RuleSpec): string;
}

/** Throws ERR_INVALID_ARG, naming `what`, for a rule that no kernel could hold. */
export function keyOfSpec(maker: KeyMaker, spec: RuleSpec, what: string): string {
  try {
    return maker.ofSpec(spec);
  } catch (err) {
    if (!(err instanceof ValueError)) throw err;
    throw new NetfilterError(`${what}: ${err.message}; nothing was sent`, { code: 'ERR_INVALID_ARG', cause: err });
  }
}

/** Tables of which all are made. */
const complete: Readonly<Record<KeyMaker['backend'], WeakSet<DesiredTable>>> = { nft: new WeakSet(), legacy: new WeakSet() };

export class MadeKeys implements DesiredKeys {
  readonly #maker: KeyMaker;
  /** By name, as they were last asked about: what a chain has in common with the one before it is not made again. */
  readonly #last = new Map<string, DesiredTable>();

  constructor(maker: KeyMaker) {
    this.#maker = maker;
  }

  /** Makes what `chain` will be asked for, giving others their turn between chains. */
  *make(tables: readonly DesiredTable[]): Verb<void> {
    const slice = new Slice();
    for (const table of tables) {
      if (complete[this.#maker.backend].has(table)) continue;
      const before = this.#last.get(table.name);
      for (const chain of table.chains.values()) {
        if (this.#of(chain) !== undefined) continue;
        this.#make(table, chain, before?.chains.get(chain.name));
        yield* slice.pause();
      }
      this.#last.set(table.name, table);
      complete[this.#maker.backend].add(table);
    }
  }

  chain(table: DesiredTable, chain: DesiredChain): readonly string[] {
    return this.#of(chain) ?? this.#make(table, chain, undefined);
  }
  rule(spec: RuleSpec): string {
    return keyOfSpec(this.#maker, spec, 'rule of scope.jumps');
  }

  #of(chain: DesiredChain): readonly string[] | undefined {
    return chain.keys[this.#maker.backend];
  }

  #make(table: DesiredTable, chain: DesiredChain, before: DesiredChain | undefined): readonly string[] {
    const old = before === undefined ? undefined : this.#of(before);
    const keys = (old && before && reused(chain, before, old)) ?? this.#anew(table, chain, knownKeys(before, old));
    chain.keys[this.#maker.backend] = keys;
    return keys;
  }

  #anew(table: DesiredTable, chain: DesiredChain, known: ReadonlyMap<RuleSpec, string>): readonly string[] {
    return chain.rules.map(({ spec, line }) => {
      const key = known.get(spec);
      if (key !== undefined) return key;
      const where = line === undefined ? '' : `line ${line}: `;
      return keyOfSpec(this.#maker, spec, `${where}rule of chain ${chain.name} in table ${table.name}`);
    });
  }
}

/** The keys of the chain before, where its rules are the same: texts that are compiled one after the other share what they have in common. */
function reused(chain: DesiredChain, before: DesiredChain, old: readonly string[]): readonly string[] | undefined {
  const same = chain.rules.length === before.rules.length && chain.rules.every(({ spec }, i) => spec === before.rules[i]?.spec);
  return same ? old : undefined;
}

function knownKeys(before: DesiredChain | undefined, old: readonly string[] | undefined): ReadonlyMap<RuleSpec, string> {
  return new Map(before === undefined || old === undefined ? [] : before.rules.map(({ spec }, i) => [spec, old[i] as string]));
}
