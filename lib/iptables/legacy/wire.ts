// Commands as the addon takes them (native/xt_commit.h): nine words each, and the bytes they point at.
import { encodeText } from '../../wire/text.ts';
import type { BytesContext } from '../extensions/codec.ts';
import type { XtRule } from '../xt-rule.ts';
import { entrySize, writeEntry, writeMask } from './entry.ts';

/** XtVerb. */
export const XT_VERBS = {
  append: 0,
  insert: 1,
  replace: 2,
  delete: 3,
  deleteAt: 4,
  newChain: 5,
  deleteChain: 6,
  flushChain: 7,
  renameChain: 8,
  setPolicy: 9,
  declareChain: 10,
  zero: 11,
  zeroAt: 12,
  begin: 13,
  check: 14,
  deleteUserChains: 15,
} as const;

/** kXtConditional: nothing to do where it is so already. kXtJump: the target names a chain. kXtBareTarget: it has no options. */
const CONDITIONAL = 1;
const JUMP = 2;
const BARE_TARGET = 4;
const WORDS = 9;
const NONE = 0xffffffff;

const INT32_MAX = 0x7fffffff;

export interface WireCommand {
  readonly chain?: string | undefined;
  readonly number?: number;
  readonly rule?: XtRule;
  readonly conditional?: boolean;
  /** The rule's target is named without options. */
  readonly bareTarget?: boolean;
  /** The new name, or the policy. */
  readonly other?: string;
  readonly counter?: { readonly packets: bigint; readonly bytes: bigint };
}

export class CommandWriter {
  readonly #context: BytesContext;
  #words: Uint32Array;
  #bytes: Uint8Array;
  #length = 0;
  #end = 0;
  /** Names stand in the bytes once. */
  readonly #names = new Map<string, number>();

  constructor(context: BytesContext, expected: number) {
    this.#context = context;
    this.#words = new Uint32Array(WORDS * Math.max(1, expected));
    this.#bytes = new Uint8Array(256 * Math.max(1, expected));
  }

  get words(): Uint32Array {
    return this.#words.subarray(0, this.#length);
  }
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#end);
  }

  push(verb: keyof typeof XT_VERBS, c: WireCommand = {}): void {
    const { chain, rule, other, counter, number = 0, conditional = false, bareTarget = false } = c;
    const jump = rule?.target !== undefined && 'chain' in rule.target;
    const size = rule === undefined ? 0 : entrySize(rule);
    let entry = NONE;
    let mask = NONE;
    if (rule !== undefined) {
      entry = this.#room(size);
      writeEntry(rule, this.#bytes.subarray(entry, entry + size));
      if (conditional || verb === 'delete' || verb === 'check') {
        mask = this.#room(size);
        writeMask(rule, this.#bytes.subarray(mask, mask + size), this.#context);
      }
    }
    const counters = counter === undefined ? NONE : this.#counter(counter);
    const flags = (conditional ? CONDITIONAL : 0) | (jump ? JUMP : 0) | (bareTarget ? BARE_TARGET : 0);
    // No chain has as many rules: the largest number that libiptc takes is as much too big as what is larger.
    this.#push(XT_VERBS[verb], flags, this.#name(chain), Math.min(number, INT32_MAX), entry, size, mask, this.#name(other), counters);
  }

  #push(...words: readonly number[]): void {
    if (this.#length + WORDS > this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words.set(words, this.#length);
    this.#length += WORDS;
  }

  /** Zeroed bytes at a multiple of eight. */
  #room(size: number): number {
    const at = (this.#end + 7) & ~7;
    if (at + size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, at + size));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#end = at + size;
    return at;
  }

  #counter(c: NonNullable<WireCommand['counter']>): number {
    const at = this.#room(16);
    new DataView(this.#bytes.buffer).setBigUint64(at, c.packets, true);
    new DataView(this.#bytes.buffer).setBigUint64(at + 8, c.bytes, true);
    return at;
  }

  #name(name: string | undefined): number {
    if (name === undefined) return NONE;
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    const text = encodeText(name);
    const at = this.#room(text.length + 1);
    this.#bytes.set(text, at);
    this.#names.set(name, at);
    return at;
  }
}
