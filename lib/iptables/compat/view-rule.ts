// Rules and chains as a view of nf_tables keeps them: keys and handles.

import type { FollowedChain, FollowedRule } from '../../nftables/events/follow.ts';
import type { ChangedChain } from '../../nftables/events/types.ts';
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import { builtinChain } from '../builtin.ts';
import type { ForeignRule } from '../rule-spec.ts';
import type { MirrorChain } from '../sync/mirror.ts';
import { foreignKey, type KeyWriter } from '../sync/rule-key.ts';
import { keyOfKernel } from './rule-keys.ts';

export class ViewRule {
  readonly handle: bigint;
  /** As it was read or announced, until its key is made; of a foreign rule for as long as it is there. */
  #source: FollowedRule | undefined;
  #key: string | undefined;

  /** `key`: of a rule that this connection has sent. What the kernel makes of it is no other rule. */
  constructor(rule: FollowedRule, key?: string) {
    this.handle = rule.handle;
    this.#key = key;
    this.#source = key === undefined ? rule : undefined;
  }

  key(writer: KeyWriter): string {
    if (this.#key !== undefined) return this.#key;
    const { family, expressions, comment } = this.#source as FollowedRule;
    const key = keyOfKernel(writer, family as 'ip' | 'ip6', expressions as readonly AnyExpression[], comment);
    this.#key = key ?? foreignKey(String(this.handle));
    if (key !== undefined) this.#source = undefined;
    return this.#key;
  }
  get foreign(): ForeignRule {
    return { foreign: true, expressions: this.#source?.expressions ?? [] };
  }
}

/** A chain as it was at one time: who plans with it is not surprised by what comes after. */
export class ViewChain implements MirrorChain {
  readonly name: string;
  readonly builtin: boolean;
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
