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

type Made = Partial<Record<KeyMaker['backend'], readonly string[]>>;
const made = new WeakMap<DesiredChain, Made>();

export class MadeKeys implements DesiredKeys {
  readonly #maker: KeyMaker;

  constructor(maker: KeyMaker) {
    this.#maker = maker;
  }

  /** Makes what `chain` will be asked for, giving others their turn between chains. */
  *make(tables: readonly DesiredTable[]): Verb<void> {
    const slice = new Slice();
    for (const table of tables)
      for (const chain of table.chains.values()) {
        if (made.get(chain)?.[this.#maker.backend] !== undefined) continue;
        this.#ofChain(table, chain);
        yield* slice.pause();
      }
  }

  chain(table: DesiredTable, name: string): readonly string[] {
    const chain = table.chains.get(name);
    if (chain === undefined) return [];
    return made.get(chain)?.[this.#maker.backend] ?? this.#ofChain(table, chain);
  }
  rule(spec: RuleSpec): string {
    return this.#maker.ofSpec(spec);
  }

  #ofChain(table: DesiredTable, chain: DesiredChain): readonly string[] {
    const keys = chain.rules.map(({ spec, line }) => {
      try {
        return this.#maker.ofSpec(spec);
      } catch (err) {
        if (!(err instanceof ValueError)) throw err;
        const where = line === undefined ? '' : `line ${line}: `;
        const text = `${where}rule of chain ${chain.name} in table ${table.name}: ${err.message}; nothing was sent`;
        throw new NetfilterError(text, { code: 'ERR_INVALID_ARG', cause: err });
      }
    });
    made.set(chain, { ...made.get(chain), [this.#maker.backend]: keys });
    return keys;
  }
}
