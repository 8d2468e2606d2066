// A rule's canonical content as one string: equal for rules that are the same (xt-compare.ts), and all there is to know of a rule but its counter
// and place. What a kernel holds and what is desired are compared by it; what is printed of a rule that is gone is read from it.
import { decodeText, encodeText } from '../../wire/text.ts';
import { type BytesContext, type Codec, type IpFamily, ValueError } from '../extensions/codec.ts';
import { codecOfKernel } from '../extensions/registry.ts';
import { Struct } from '../extensions/struct.ts';
import type { RuleSpec } from '../rule-spec.ts';
import { fromXt, newestThatCan, revisionOf, structSize } from '../xt-convert.ts';
import type { Writable, XtAddress, XtExtension, XtInterface, XtRule, XtVerdict } from '../xt-rule.ts';

/** Bits of the first byte: which base fields there are. */
const PROTOCOL = 1;
const SOURCE = 2;
const DESTINATION = 4;
const IN_INTERFACE = 8;
const OUT_INTERFACE = 16;
const FRAGMENT = 32;
const TARGET = 64;

const verdicts = ['accept', 'drop', 'return', 'queue', 'jump', 'goto'] as const;
const JUMP = verdicts.indexOf('jump');
/** In the place of a verdict. */
const EXTENSION = 0xff;

/** Keys of two families or backends are not compared: the same rule may be kept in other words. */
export interface KeyKind {
  readonly family: IpFamily;
  readonly backend: 'nft' | 'legacy';
}

/** Sets have numbers in rules, and another one when they were made again. A key has their names, and for each a number in the key alone. */
class SetNames {
  readonly names: string[] = [];

  setIndex(name: string): number {
    const known = this.names.indexOf(name);
    return known >= 0 ? known : this.names.push(name) - 1;
  }
  setName(index: number): string {
    return this.names[index] ?? '';
  }
}

/** The context of rules that no kernel holds: a set has the number at which its name comes up. */
export class LooseContext extends SetNames implements BytesContext {
  readonly family: IpFamily;
  readonly backend: 'nft' | 'legacy';

  constructor(family: IpFamily, backend: 'nft' | 'legacy') {
    super();
    this.family = family;
    this.backend = backend;
  }
  /** For the next rule: no other needs the names. */
  begin(): this {
    this.names.length = 0;
    return this;
  }
}

/** No base field has all bits. */
const FOREIGN = '\xff';

/** The key of a rule that iptables has no words for; `name` tells it from others. */
export function foreignKey(name: string): string {
  return `${FOREIGN}${name}`;
}
export function isForeignKey(key: string): boolean {
  return key.startsWith(FOREIGN);
}

/** Writes keys of one family and backend. `context`: what set numbers of the rules mean. */
export class KeyWriter {
  readonly #context: BytesContext;
  readonly #own: LooseContext;
  #bytes: Buffer = Buffer.alloc(4096);
  #length = 0;

  constructor(context: BytesContext, backend: 'nft' | 'legacy') {
    this.#context = context;
    this.#own = new LooseContext(context.family, backend);
  }

  key(rule: XtRule): string {
    const { protocol, source, destination, inInterface, outInterface, fragment, matches, target } = rule;
    this.#length = 0;
    this.#own.begin();
    this.#byte(
      (protocol === undefined ? 0 : PROTOCOL) |
        (source === undefined ? 0 : SOURCE) |
        (destination === undefined ? 0 : DESTINATION) |
        (inInterface === undefined ? 0 : IN_INTERFACE) |
        (outInterface === undefined ? 0 : OUT_INTERFACE) |
        (fragment === undefined ? 0 : FRAGMENT) |
        (target === undefined ? 0 : TARGET),
    );
    if (protocol !== undefined) {
      this.#byte(protocol.number);
      this.#flag(protocol.not);
    }
    if (source !== undefined) this.#address(source);
    if (destination !== undefined) this.#address(destination);
    if (inInterface !== undefined) this.#interface(inInterface);
    if (outInterface !== undefined) this.#interface(outInterface);
    if (fragment !== undefined) this.#flag(fragment.not);
    if (target !== undefined) {
      if ('verdict' in target) {
        this.#byte(verdicts.indexOf(target.verdict));
        if ('chain' in target) this.#text(target.chain);
      } else {
        this.#byte(EXTENSION);
        this.#extension('target', target);
      }
    }
    for (const m of matches) this.#extension('match', m);
    return this.#bytes.toString('latin1', 0, this.#length);
  }

  #room(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const grown = Buffer.alloc(2 * (this.#length + size));
    this.#bytes.copy(grown);
    this.#bytes = grown;
  }
  #byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length++] = value;
  }
  #flag(value: boolean): void {
    this.#byte(value ? 1 : 0);
  }
  #u16(value: number): void {
    this.#byte(value & 0xff);
    this.#byte(value >> 8);
  }
  #set(bytes: Uint8Array, length = bytes.length): void {
    this.#room(length);
    for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = bytes[i] as number;
    this.#length += length;
  }
  #text(text: string): void {
    let plain = true;
    this.#u16(text.length);
    this.#room(text.length);
    for (let i = 0; i < text.length && plain; i++) {
      const code = text.charCodeAt(i);
      plain = code < 0x80;
      this.#bytes[this.#length + i] = code;
    }
    if (plain) this.#length += text.length;
    else {
      const bytes = encodeText(text);
      this.#length -= 2;
      this.#u16(bytes.length);
      this.#set(bytes);
    }
  }
  #address(a: XtAddress): void {
    this.#flag(a.not);
    this.#set(a.address);
    this.#set(a.mask);
  }
  #interface(i: XtInterface): void {
    this.#flag(i.not);
    this.#flag(i.prefix);
    this.#text(i.name);
  }

  #extension(kind: 'match' | 'target', given: XtExtension): void {
    const { names } = this.#own;
    const before = names.length;
    const e = canonical(kind, given, this.#context, this.#own);
    this.#text(e.name);
    this.#byte(e.revision);
    this.#u16(e.data.length);
    // Most structs end in zeros, those with text in hundreds.
    let length = e.data.length;
    while (length > 0 && e.data[length - 1] === 0) length--;
    this.#u16(length);
    this.#set(e.data, length);
    this.#byte(names.length - before);
    for (const name of names.slice(before)) this.#text(name);
  }
}

/** The extension in the newest revision of ours that can say it, without what is the kernel's own; one that is unknown as it is. */
function canonical(kind: 'match' | 'target', e: XtExtension, c: BytesContext, own: BytesContext): XtExtension {
  const codec = codecOfKernel(kind, e.name, e.revision, e.data, c.family);
  const revision = revisionOf(codec, e.revision, c.family);
  if (codec === undefined || revision === undefined || e.data.length !== structSize(revision, c)) return e;
  const named = withSets.has(codec.name);
  const newest = codec.revisions.at(-1);
  if (named || (newest !== undefined && newest.revision > e.revision)) {
    const renewed = rewritten(codec, e, c, own);
    // As others than iptables write it.
    if (renewed === undefined && !named) return masked(codec, e, c);
    if (renewed !== undefined) return masked(codec, renewed, own);
    return e;
  }
  return masked(codec, e, c);
}

/** The extensions whose structs hold numbers of sets. */
const withSets: ReadonlySet<string> = new Set(['set', 'SET']);

/** Whether a rule names sets. */
export function refersToSets({ matches, target }: XtRule): boolean {
  return matches.some((m) => withSets.has(m.name)) || (target !== undefined && 'name' in target && withSets.has(target.name));
}

function rewritten(codec: Codec, e: XtExtension, c: BytesContext, own: BytesContext): XtExtension | undefined {
  try {
    const options = revisionOf(codec, e.revision, c.family)?.read(new Struct(e.data), c) as never;
    const revision = newestThatCan(codec, options, c.family);
    if (revision === undefined) return undefined;
    const data = new Uint8Array(structSize(revision, own));
    revision.write(options, new Struct(data), own);
    return { name: e.name, revision: revision.revision, data };
  } catch (err) {
    if (err instanceof ValueError) return undefined;
    throw err;
  }
}

function masked(codec: Codec, e: XtExtension, c: BytesContext): XtExtension {
  const revision = revisionOf(codec, e.revision, c.family);
  if (revision === undefined || (revision.kernelPrivate === undefined && revision.canonical === undefined)) return e;
  const data = e.data.slice();
  for (const [from, to] of revision.kernelPrivate ?? []) data.fill(0, from, to);
  revision.canonical?.(new Struct(data));
  return { ...e, data };
}

/** The rule that a key stands for, and the names of its sets by the numbers they have in it. */
export function ruleOfKey(key: string, family: IpFamily): { readonly rule: XtRule; readonly sets: readonly string[] } {
  const reader = new KeyReader(Buffer.from(key, 'latin1'), family);
  return { rule: reader.rule(), sets: reader.sets };
}

/** As `ruleOfKey`, with the options of its extensions. */
export function specOfKey(key: string, { family, backend }: KeyKind): RuleSpec {
  const { rule, sets } = ruleOfKey(key, family);
  const context = new LooseContext(family, backend);
  context.names.push(...sets);
  return fromXt(rule, context);
}

/** The key when the chain `from` is called `to`: the same where the rule does not lead there. */
export function renamedKey(key: string, family: IpFamily, from: string, to: string): string {
  if (isForeignKey(key)) return key;
  const reader = new KeyReader(Buffer.from(key, 'latin1'), family);
  const { target } = reader.rule();
  if (target === undefined || !('chain' in target) || target.chain !== from) return key;
  const name = Buffer.from(encodeText(to)).toString('latin1');
  const [start, end] = reader.chain;
  return `${key.slice(0, start)}${String.fromCharCode(name.length & 0xff, name.length >> 8)}${name}${key.slice(end)}`;
}

class KeyReader {
  /** Where the name of the chain lies that the rule leads to. */
  chain: readonly [start: number, end: number] = [0, 0];
  readonly #bytes: Buffer;
  readonly #family: IpFamily;
  readonly sets: string[] = [];
  #at = 0;

  constructor(bytes: Buffer, family: IpFamily) {
    this.#bytes = bytes;
    this.#family = family;
  }

  rule(): XtRule {
    const rule: Writable<XtRule> = { family: this.#family, matches: [] };
    const fields = this.#byte();
    if ((fields & PROTOCOL) !== 0) rule.protocol = { number: this.#byte(), not: this.#flag() };
    if ((fields & SOURCE) !== 0) rule.source = this.#address();
    if ((fields & DESTINATION) !== 0) rule.destination = this.#address();
    if ((fields & IN_INTERFACE) !== 0) rule.inInterface = this.#interface();
    if ((fields & OUT_INTERFACE) !== 0) rule.outInterface = this.#interface();
    if ((fields & FRAGMENT) !== 0) rule.fragment = { not: this.#flag() };
    if ((fields & TARGET) !== 0) rule.target = this.#target();
    const matches: XtExtension[] = [];
    while (this.#at < this.#bytes.length) matches.push(this.#extension());
    rule.matches = matches;
    return rule;
  }

  #byte(): number {
    return this.#bytes[this.#at++] as number;
  }
  #flag(): boolean {
    return this.#byte() === 1;
  }
  #u16(): number {
    return this.#byte() | (this.#byte() << 8);
  }
  #take(length: number): Uint8Array {
    this.#at += length;
    return new Uint8Array(this.#bytes.subarray(this.#at - length, this.#at));
  }
  #text(): string {
    const length = this.#u16();
    this.#at += length;
    return decodeText(this.#bytes, this.#at - length, this.#at);
  }
  #address(): XtAddress {
    const not = this.#flag();
    const width = this.#family === 'ip' ? 4 : 16;
    return { not, address: this.#take(width), mask: this.#take(width) };
  }
  #interface(): XtInterface {
    const not = this.#flag();
    const prefix = this.#flag();
    return { not, prefix, name: this.#text() };
  }
  #target(): XtExtension | XtVerdict {
    const verdict = this.#byte();
    if (verdict === EXTENSION) return this.#extension();
    if (verdict < JUMP) return { verdict: verdicts[verdict] as 'accept' | 'drop' | 'return' | 'queue' };
    const start = this.#at;
    const chain = this.#text();
    this.chain = [start, this.#at];
    return { verdict: verdicts[verdict] as 'jump' | 'goto', chain };
  }
  #extension(): XtExtension {
    const name = this.#text();
    const revision = this.#byte();
    const data = new Uint8Array(this.#u16());
    data.set(this.#take(this.#u16()));
    for (let names = this.#byte(); names > 0; names--) this.sets.push(this.#text());
    return { name, revision, data };
  }
}
