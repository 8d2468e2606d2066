// The keys of desired rules, made once for a text: whoever passes the result of compile() again has them.
import { NetfilterError } from '../../errors.ts';
import { Slice, type Verb } from '../../run.ts';
import { ValueError } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { DesiredChain, DesiredTable } from './desired.ts';
import type { DesiredKeys } from './table-plan.ts';

/** How a backend writes keys. */
export interface KeyMaker {
  /** Keys of two backends are not compared: the same rule may be kept in other words. */
  readonly backend: 'nft' | 'legacy';
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

type Made = Partial<Record<KeyMaker['backend'], readonly string[]>>;
const made = new WeakMap<DesiredChain, Made>();
/** Tables of which all are made. */
const complete: Readonly<Record<KeyMaker['backend'], WeakSet<DesiredTable>>> = { nft: new WeakSet(), legacy: new WeakSet() };

export class MadeKeys implements DesiredKeys {
  readonly #maker: KeyMaker;

  constructor(maker: KeyMaker) {
    this.#maker = maker;
  }

  /** Makes what `chain` will be asked for, giving others their turn between chains. */
  *make(tables: readonly DesiredTable[]): Verb<void> {
    const slice = new Slice();
    for (const table of tables) {
      if (complete[this.#maker.backend].has(table)) continue;
      for (const chain of table.chains.values()) {
        if (made.get(chain)?.[this.#maker.backend] !== undefined) continue;
        this.#ofChain(table, chain);
        yield* slice.pause();
      }
      complete[this.#maker.backend].add(table);
    }
  }

  chain(table: DesiredTable, name: string): readonly string[] {
    const chain = table.chains.get(name);
    if (chain === undefined) return [];
    return made.get(chain)?.[this.#maker.backend] ?? this.#ofChain(table, chain);
  }
  rule(spec: RuleSpec): string {
    return keyOfSpec(this.#maker, spec, 'rule of scope.jumps');
  }

  #ofChain(table: DesiredTable, chain: DesiredChain): readonly string[] {
    const keys = chain.rules.map(({ spec, line }) => {
      const where = line === undefined ? '' : `line ${line}: `;
      return keyOfSpec(this.#maker, spec, `${where}rule of chain ${chain.name} in table ${table.name}`);
    });
    made.set(chain, { ...made.get(chain), [this.#maker.backend]: keys });
    return keys;
  }
}
