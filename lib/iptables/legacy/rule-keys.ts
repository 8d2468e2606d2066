// Keys of rules as legacy tables hold them: their structs as they are.
import type { IpFamily } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { KeyMaker } from '../sync/desired-keys.ts';
import { KeyWriter, LooseContext } from '../sync/rule-key.ts';
import { toXt } from '../xt-convert.ts';

const newest = (): number => Number.POSITIVE_INFINITY;

export class LegacyKeys implements KeyMaker {
  readonly backend = 'legacy';
  readonly family: IpFamily;
  readonly #context: LooseContext;
  readonly #writer: KeyWriter;

  constructor(family: IpFamily) {
    this.family = family;
    this.#context = new LooseContext(family, 'legacy');
    this.#writer = new KeyWriter(this.#context, 'legacy');
  }

  ofSpec(spec: RuleSpec): string {
    return this.#writer.key(toXt(spec, this.#context.begin(), newest));
  }
}
