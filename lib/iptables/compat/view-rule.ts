// Rules and chains as a view of nf_tables keeps them: keys and handles.
import { NetfilterError } from '../../errors.ts';
import type { FollowedChain, FollowedRule } from '../../nftables/events/follow.ts';
import type { ChangedChain } from '../../nftables/events/types.ts';
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import type { Expression } from '../../nftables/expressions/index.ts';
import { builtinChain } from '../builtin.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { ForeignRule } from '../rule-spec.ts';
import type { MirrorChain } from '../sync/mirror.ts';
import { foreignKey, type KeyWriter, renamedKey } from '../sync/rule-key.ts';
import { keyOfKernel } from './rule-keys.ts';

type Source = Pick<FollowedRule, 'handle' | 'family' | 'expressions' | 'comment'>;

export class ViewRule {
  readonly handle: bigint;
  /** As it was read or announced, until its key is made; of a foreign rule, in memory of its own, for as long as it is there. */
  #source: Source | undefined;
  #key: string | undefined;

  /** `key`: of a rule that this connection has sent. What the kernel makes of it is no other rule. */
  constructor(rule: Source | ViewRule, key?: string) {
    this.handle = rule.handle;
    this.#key = key;
    this.#source = key === undefined ? (rule as Source) : undefined;
  }

  key(writer: KeyWriter): string {
    if (this.#key !== undefined) return this.#key;
    const { family, expressions, comment } = this.#source as Source;
    let key: string | undefined;
    try {
      key = keyOfKernel(writer, family as 'ip' | 'ip6', expressions as readonly AnyExpression[], comment);
    } catch (err) {
      // A set that is gone, as the rule is by now, or that may not be asked about: no desired rule for the time being.
      if (err instanceof NetfilterError) return foreignKey(String(this.handle));
      throw err;
    }
    if (key === undefined) this.#source = { handle: this.handle, family, expressions: apart(expressions), comment: comment as string };
    this.#key = key ?? foreignKey(String(this.handle));
    if (key !== undefined) this.#source = undefined;
    return this.#key;
  }
  get foreign(): ForeignRule {
    return { foreign: true, expressions: this.#source?.expressions ?? [] };
  }

  /** As it is when a chain of its table has another name. Who has looked at it before keeps what it was. */
  renamed(family: IpFamily, from: string, to: string): ViewRule {
    if (this.#source === undefined) {
      const key = renamedKey(this.#key as string, family, from, to);
      return key === this.#key ? this : new ViewRule(this, key);
    }
    const { expressions, comment } = this.#source;
    if (!expressions.some((e) => jumpsTo(e, from))) return this;
    const jumping = expressions.map((e) => (jumpsTo(e, from) ? ({ ...e, data: { ...(e as Jump).data, chain: to } } as Expression) : e));
    const rule = new ViewRule({ handle: this.handle, family, expressions: jumping, comment: comment as string });
    rule.#key = this.#key;
    return rule;
  }
}

interface Jump {
  readonly data?: { readonly chain?: string };
}
function jumpsTo(e: Expression, chain: string): boolean {
  return e.type === 'immediate' && (e as Jump).data?.chain === chain;
}

/** In memory of its own: what was read lies in the bytes of a whole dump. */
function apart<T>(value: T): T {
  if (value instanceof Uint8Array) return value.slice() as T;
  if (Array.isArray(value)) return value.map(apart) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, apart(v)])) as T;
}

/** A chain as it was at one time: who plans with it is not surprised by what comes after. */
export class ViewChain implements MirrorChain {
  readonly name: string;
  readonly builtin: boolean;
  readonly anonymous: boolean;
  /** Whether iptables sees it: a user chain, or a base chain as iptables registers it; see isUsableChain. */
  readonly shown: boolean;
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  readonly object: ChangedChain;
  readonly rules: readonly ViewRule[];
  #writer: (() => KeyWriter) | undefined;
  #keys: readonly string[] | undefined;

  constructor({ object, rules }: FollowedChain<ViewRule>, writer: () => KeyWriter) {
    this.name = object.name;
    const builtin = builtinChain(object.table, object.name);
    this.builtin = builtin !== undefined;
    this.anonymous = object.anonymous === true;
    const { hook, type, prio } = object;
    this.shown = builtin === undefined ? hook === undefined : hook === builtin.hook && type === builtin.type && prio === builtin.prio;
    this.policy = !this.builtin ? undefined : object.policy === 'drop' ? 'DROP' : 'ACCEPT';
    this.object = object;
    this.rules = rules;
    this.#writer = writer;
  }

  /** Whether nothing has changed since. */
  isOf(chain: FollowedChain<ViewRule>): boolean {
    return chain.rules === this.rules && chain.object === this.object;
  }
  get keys(): readonly string[] {
    if (this.#keys === undefined) {
      const writer = this.#writer?.() as KeyWriter;
      this.#keys = this.rules.map((rule) => rule.key(writer));
      this.#writer = undefined;
    }
    return this.#keys;
  }
  handle(place: number): bigint {
    return this.#rule(place).handle;
  }
  foreign(place: number): ForeignRule {
    return this.#rule(place).foreign;
  }
  #rule(place: number): ViewRule {
    const rule = this.rules[place];
    if (rule === undefined) throw new RangeError(`rule ${place} of chain ${this.name}`);
    return rule;
  }
}
