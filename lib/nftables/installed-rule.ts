// A rule as it was dumped: bytes until somebody looks. Both Nftables and Iptables show these.

import type { Counter, Family, Place } from '../model/ruleset.ts';
import { type NativeCounterReply, native } from '../native.ts';
import { findAttribute, type Message, readMessage } from '../wire/attributes.ts';
import { jsonSafe } from '../wire/json.ts';
import { decodeText } from '../wire/text.ts';
import { AttributeWriter } from '../wire/writer.ts';
import type { AnyExpression } from './expressions/expression.ts';
import type { Expression } from './expressions/index.ts';
import { families, familyName } from './objects/messages.ts';
import { NFTA_RULE, type RuleAttributes, readExpressions, ruleTable } from './objects/rule.ts';
import { commentOf } from './objects/userdata.ts';

/** The rows of one chain, from `start` to `end`. */
export interface ChainRows extends Place {
  readonly start: number;
  readonly end: number;
}

/** One dump of rules. */
export class RuleDump {
  readonly bytes: Uint8Array;
  readonly reply: NativeCounterReply;
  #chains: readonly ChainRows[] | undefined;

  constructor(reply: NativeCounterReply) {
    this.reply = reply;
    this.bytes = new Uint8Array(reply.data);
  }

  get length(): number {
    return this.reply.index.length;
  }

  message(row: number): Message {
    const at = this.reply.index[row];
    if (at === undefined) throw new RangeError(`row ${row} of ${this.length}`);
    return readMessage(this.bytes, at);
  }

  /** The chains that have rules, in dump order. The kernel dumps a chain's rules together. */
  get chains(): readonly ChainRows[] {
    this.#chains ??= this.#readChains();
    return this.#chains;
  }

  #readChains(): ChainRows[] {
    const first = this.reply.chainFirst;
    return Array.from(first, (start, i) => {
      const message = this.message(start);
      return {
        family: familyName(message.family),
        table: this.#text(message, NFTA_RULE.table),
        chain: this.#text(message, NFTA_RULE.chain),
        start,
        end: first[i + 1] ?? this.length,
      };
    });
  }

  chainOf(row: number): ChainRows {
    const rows = this.chains[this.reply.chain[row] as number];
    if (rows === undefined) throw new RangeError(`row ${row} of ${this.length}`);
    return rows;
  }

  #text(message: Message, type: number): string {
    const found = findAttribute(this.bytes, message.start, message.end, type);
    return found === undefined ? '' : decodeText(this.bytes, found[0], found[1] - 1);
  }

  counter(row: number): Counter | undefined {
    if (this.reply.counted[row] !== 1) return undefined;
    return { packets: this.reply.packets[row] as bigint, bytes: this.reply.bytes[row] as bigint };
  }

  userdata(row: number): Uint8Array | undefined {
    const message = this.message(row);
    const found = findAttribute(this.bytes, message.start, message.end, NFTA_RULE.userdata);
    return found && this.bytes.subarray(found[0], found[1]);
  }

  comment(row: number): string | undefined {
    return commentOf(this.userdata(row));
  }

  expressions(row: number): readonly AnyExpression[] {
    const message = this.message(row);
    const found = findAttribute(this.bytes, message.start, message.end, NFTA_RULE.expressions);
    return readExpressions(this.bytes, found);
  }
}

export interface NftRule extends Place {
  readonly index: number;
  readonly handle: bigint;
  readonly comment?: string;
  readonly counter?: Counter;
  readonly expressions: readonly Expression[];
  /** The listing of `nft --debug=netlink`, by libnftnl; an expression that libnftnl may not know is shown as `[ name ? ]`. */
  bytecode(): string;
}

/** Lazy: nothing but its row is kept until it is looked at. */
export class DumpedRule implements NftRule {
  readonly #dump: RuleDump;
  readonly #row: number;
  #expressions: readonly AnyExpression[] | undefined;
  readonly #counter: Counter | undefined;

  /** `counter`: of a later poll, in place of what was dumped. */
  constructor(dump: RuleDump, row: number, counter: Counter | undefined = dump.counter(row)) {
    this.#dump = dump;
    this.#row = row;
    this.#counter = counter;
  }
  get family(): Family {
    return this.#dump.chainOf(this.#row).family;
  }
  get table(): string {
    return this.#dump.chainOf(this.#row).table;
  }
  get chain(): string {
    return this.#dump.chainOf(this.#row).chain;
  }
  get index(): number {
    return this.#row - this.#dump.chainOf(this.#row).start;
  }
  get handle(): bigint {
    return this.#dump.reply.handles[this.#row] as bigint;
  }
  // Absent properties are undefined here, which exactOptionalPropertyTypes does not let a getter say.
  get comment(): string {
    return this.#dump.comment(this.#row) as string;
  }
  get counter(): Counter {
    return this.#counter as Counter;
  }
  get expressions(): readonly Expression[] {
    this.#expressions ??= counting(this.#dump.expressions(this.#row), this.#counter);
    return this.#expressions as readonly Expression[];
  }
  /** As it is in the kernel, for what nft or others keep there beside the comment. */
  get userdata(): Uint8Array | undefined {
    return this.#dump.userdata(this.#row)?.slice();
  }
  bytecode(): string {
    return listing(this);
  }
  toJSON(): unknown {
    const { family, table, chain, index, handle, comment, counter, expressions, userdata } = this;
    return jsonSafe({ family, table, chain, index, handle, comment, counter, expressions, userdata });
  }
}

/** With the rule's counter as it is now. */
function counting(expressions: readonly AnyExpression[], counter: Counter | undefined): readonly AnyExpression[] {
  const at = counter === undefined ? -1 : expressions.findIndex((e) => e.type === 'counter');
  return at < 0 ? expressions : expressions.with(at, { ...(expressions[at] as AnyExpression), ...counter });
}

/** libnftnl 1.2.4 drops the operands of these in silence. */
const bitwiseListable = new Set<unknown>([undefined, 'mask-xor', 'lshift', 'rshift']);

/** libnftnl ends the process on a size it does not expect: it sees only what our own tables have read in full. */
function listable(e: AnyExpression): boolean {
  if (e.type === 'unknown' || e['unknown'] !== undefined) return false;
  return e.type !== 'bitwise' || (bitwiseListable.has(e['op']) && e['sreg2'] === undefined);
}

/** As a dumped rule's `bytecode`, also of one that is in no kernel. */
export function listing(
  rule: Place & { readonly handle?: bigint; readonly expressions: readonly AnyExpression[]; readonly userdata?: Uint8Array | undefined },
): string {
  const family = families[rule.family] ?? Number(rule.family);
  const { table, chain } = rule;
  const named = { table, chain, ...(rule.handle === undefined ? {} : { handle: rule.handle }) };
  const lines = (attributes: RuleAttributes): string[] => {
    const w = new AttributeWriter(256);
    ruleTable.encode(w, { ...named, ...attributes });
    return native()
      .bytecode(family, w.written())
      .split('\n')
      .filter((line) => line.trim() !== '');
  };
  const userdata = rule.userdata;
  // libnftnl prints userdata after the expressions; each part is printed on its own below the same head.
  const [head = '', ...tail] = lines(userdata === undefined ? {} : { userdata });
  const body = rule.expressions.flatMap((e) =>
    listable(e) ? lines({ expressions: [e] }).slice(1) : [`  [ ${e.type === 'unknown' ? e.name : e.type} ? ]`],
  );
  return `${[head, ...body, ...tail].join('\n')}\n`;
}
