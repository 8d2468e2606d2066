// A rule as an event announces it: bytes until somebody looks.

import type { Counter, Family } from '../../model/ruleset.ts';
import { align4, attributeLength, attributeType, be64 } from '../../wire/attributes.ts';
import { jsonSafe } from '../../wire/json.ts';
import { decodeText } from '../../wire/text.ts';
import type { Expression } from '../expressions/index.ts';
import { familyName } from '../objects/messages.ts';
import { NFTA_RULE, readExpressions } from '../objects/rule.ts';
import { commentOf } from '../objects/userdata.ts';
import type { ChangedRule } from './types.ts';

type Span = readonly [start: number, end: number];

export class EventRule implements ChangedRule {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly handle: bigint;
  readonly #bytes: Uint8Array;
  /** Payloads by NFTA_RULE_*. */
  readonly #spans: (Span | undefined)[] = [];
  #expressions: readonly Expression[] | undefined;

  /** The attributes lie in `bytes` from `start` to `end`. */
  constructor(family: number, bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    for (let at = start; at < end; ) {
      const length = attributeLength(bytes, at, end);
      this.#spans[attributeType(bytes, at)] ??= [at + 4, at + length];
      at += align4(length);
    }
    this.family = familyName(family);
    this.table = this.#text(NFTA_RULE.table);
    this.chain = this.#text(NFTA_RULE.chain);
    this.handle = this.#number(NFTA_RULE.handle) ?? 0n;
  }

  // Absent properties are undefined here, which exactOptionalPropertyTypes does not let a getter say.
  get position(): bigint {
    return this.#number(NFTA_RULE.position) as bigint;
  }
  get comment(): string {
    return commentOf(this.userdata) as string;
  }
  get userdata(): Uint8Array | undefined {
    const span = this.#spans[NFTA_RULE.userdata];
    return span && this.#bytes.slice(span[0], span[1]);
  }
  get counter(): Counter {
    const counter = this.expressions.find((e) => e.type === 'counter') as Partial<Counter> | undefined;
    return (counter === undefined ? undefined : { packets: counter.packets ?? 0n, bytes: counter.bytes ?? 0n }) as Counter;
  }
  get expressions(): readonly Expression[] {
    this.#expressions ??= readExpressions(this.#bytes, this.#spans[NFTA_RULE.expressions]) as readonly Expression[];
    return this.#expressions;
  }

  #text(type: number): string {
    const span = this.#spans[type];
    return span === undefined ? '' : decodeText(this.#bytes, span[0], Math.max(span[0], span[1] - 1));
  }
  #number(type: number): bigint | undefined {
    const span = this.#spans[type];
    return span === undefined || span[1] - span[0] !== 8 ? undefined : be64(this.#bytes, span[0]);
  }

  toJSON(): unknown {
    const { family, table, chain, handle, position, comment, counter, expressions } = this;
    return jsonSafe({ family, table, chain, handle, position, comment, counter, expressions });
  }
}
