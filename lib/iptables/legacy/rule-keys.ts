// Keys of rules as legacy tables hold them: their structs as they are.
import type { BytesContext, IpFamily } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { KeyMaker } from '../sync/desired-keys.ts';
import { KeyWriter, keyContext } from '../sync/rule-key.ts';
import { toXt } from '../xt-convert.ts';

const newest = (): number => Number.POSITIVE_INFINITY;

export class LegacyKeys implements KeyMaker {
  readonly backend = 'legacy';
  readonly own: BytesContext;
  readonly #writer: KeyWriter;

  constructor(family: IpFamily) {
    this.own = keyContext(family, 'legacy');
    this.#writer = new KeyWriter(this.own, this.own);
  }

  ofSpec(spec: RuleSpec): string {
    return this.#writer.key(toXt(spec, this.own, newest));
  }
}
