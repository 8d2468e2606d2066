// A rule as an event announces it: bytes until somebody looks.
import type { Counter, Family } from '../../model/ruleset.ts';
import { align4, attributeLength, attributeType, be64 } from '../../wire/attributes.ts';
import { DecodeError } from '../../wire/errors.ts';
import { decodeText } from '../../wire/text.ts';
import { type Expression, expressionTables } from '../expressions/index.ts';
import { familyName } from '../objects/messages.ts';
import { commentOf } from '../objects/userdata.ts';
import type { ChangedRule } from './types.ts';

type Span = readonly [start: number, end: number];
/** Payloads by NFTA_RULE_*. */
const TABLE = 1;
const CHAIN = 2;
const HANDLE = 3;
const EXPRESSIONS = 4;
const POSITION = 6;
const USERDATA = 7;

export class EventRule implements ChangedRule {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  readonly handle: bigint;
  readonly #bytes: Uint8Array;
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
    this.table = this.#text(TABLE);
    this.chain = this.#text(CHAIN);
    this.handle = this.#number(HANDLE) ?? 0n;
  }

  // Absent properties are undefined here, which exactOptionalPropertyTypes does not let a getter say.
  get position(): bigint {
    return this.#number(POSITION) as bigint;
  }
  get comment(): string {
    return commentOf(this.userdata) as string;
  }
  get userdata(): Uint8Array | undefined {
    const span = this.#spans[USERDATA];
    return span && this.#bytes.slice(span[0], span[1]);
  }
  get counter(): Counter {
    const counter = this.expressions.find((e) => e.type === 'counter') as Partial<Counter> | undefined;
    return (counter === undefined ? undefined : { packets: counter.packets ?? 0n, bytes: counter.bytes ?? 0n }) as Counter;
  }
  get expressions(): readonly Expression[] {
    this.#expressions ??= this.#decode();
    return this.#expressions;
  }

  #decode(): readonly Expression[] {
    const span = this.#spans[EXPRESSIONS];
    if (span === undefined) return [];
    const list = expressionTables.list.get(this.#bytes, span[0], span[1]);
    if (list === undefined) throw new DecodeError('a rule whose expressions are no list', span[0]);
    return list as readonly Expression[];
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
    return { family, table, chain, handle, position, comment, counter, expressions };
  }
}
