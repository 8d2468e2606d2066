// What things of a table are, as text that is equal where they are: attributes as they would be written, without state, and what has no
// name of its own, anonymous sets and chains, by what is in it.

import type { AttributeTable } from '../../wire/table.ts';
import { AttributeWriter } from '../../wire/writer.ts';
import type { AnyExpression } from '../expressions/expression.ts';
import { type ElementAttributes, elementTable } from '../objects/element.ts';
import { ruleTable } from '../objects/rule.ts';
import { type SetAttributes, setTable } from '../objects/set.ts';
import type { PortableChain, PortableRule, PortableSet, PortableTable } from '../portable.ts';
import { elementAsTaken, expressionsAsTaken, isBound, setAsTaken } from '../taken.ts';
import { elementReferringTo, type Reference, referenceOf, referenceOfElement, referringTo } from './references.ts';

/** Numbers for texts, the same number for the same text. */
export class Numbers {
  readonly #byText = new Map<string, string>();

  of(text: string): string {
    let number = this.#byText.get(text);
    if (number === undefined) this.#byText.set(text, (number = String(this.#byText.size)));
    return number;
  }
}

/** What is made anew under its old name: what refers to it is another then. */
export interface MadeAnew {
  readonly chains: Set<string>;
  readonly sets: Set<string>;
  /** By objectKey. */
  readonly objects: Set<string>;
}

export function isAnonymous({ flags }: SetAttributes): boolean {
  return flags?.includes('anonymous') === true;
}
/** The packet path adds to it and takes from it. */
export function isDynamic({ flags }: SetAttributes): boolean {
  return flags?.includes('eval') === true;
}
export function isConstant({ flags }: SetAttributes): boolean {
  return flags?.includes('constant') === true;
}

export function named<T>(list: readonly T[], name: (one: T) => string | undefined): Map<string, T> {
  return new Map(list.map((one) => [name(one) ?? '', one]));
}

/** No name of the kernel's begins so. */
const NOT_A_NAME = '\u0001';

export class TableContent {
  readonly #numbers: Numbers;
  readonly #anew: MadeAnew | undefined;
  readonly #anonymous: ReadonlyMap<string, PortableSet>;
  readonly #bound: ReadonlyMap<string, PortableChain>;
  readonly #known = new Map<string, string>();

  /** `anew`: of the table as it is, and of what goes from it. */
  constructor(table: PortableTable | undefined, numbers: Numbers, anew?: MadeAnew) {
    this.#numbers = numbers;
    this.#anew = anew;
    const { sets = [], chains = [] } = table ?? {};
    const setName = ({ attributes }: PortableSet): string | undefined => attributes.name;
    this.#anonymous = named(
      sets.filter((s) => isAnonymous(s.attributes)),
      setName,
    );
    this.#bound = named(
      chains.filter((c) => isBound(c.attributes)),
      (c) => c.attributes.name,
    );
  }

  anonymousSet(name: string): PortableSet | undefined {
    return this.#anonymous.get(name);
  }
  boundChain(name: string): PortableChain | undefined {
    return this.#bound.get(name);
  }

  /** Whether what has no name of its own is called the same in both and is the same: then rules that look the same are. */
  agreesWith(other: TableContent): boolean {
    if (this.#anonymous.size !== other.#anonymous.size || this.#bound.size !== other.#bound.size) return false;
    const same = (reference: Reference): boolean => this.#contentName(reference) === other.#contentName(reference);
    for (const name of this.#anonymous.keys()) if (!same({ to: 'set', name })) return false;
    for (const name of this.#bound.keys()) if (!same({ to: 'chain', name })) return false;
    return true;
  }

  /** The key of a rule. */
  rule({ expressions, userdata }: PortableRule): string {
    const list = expressionsAsTaken(expressions, false).map((e) => this.#expression(e));
    return this.#numbers.of(encoded(ruleTable, { expressions: list, ...(userdata === undefined ? {} : { userdata }) }));
  }

  /** An element without its key and times. */
  element(set: SetAttributes, e: ElementAttributes): string {
    if (isKeyAlone(e)) return KEY_ALONE;
    const { key: _1, keyEnd: _2, timeout: _3, expiration: _4, ...rest } = elementAsTaken(e, false);
    return this.#numbers.of(encoded(elementTable, this.#element(set, rest)));
  }

  #expression(e: AnyExpression): AnyExpression {
    const reference = referenceOf(e);
    const name = reference === undefined ? undefined : this.#contentName(reference);
    return name === undefined ? e : referringTo(e, name);
  }

  #element(set: SetAttributes, e: ElementAttributes): ElementAttributes {
    const reference = referenceOfElement(set, e);
    const name = reference === undefined ? undefined : this.#contentName(reference);
    return name === undefined ? e : elementReferringTo(e, name);
  }

  /** Undefined where the name says what is meant. */
  #contentName(reference: Reference): string | undefined {
    const { to, name } = reference;
    switch (to) {
      case 'set': {
        const set = this.#anonymous.get(name);
        if (set !== undefined) return this.#once(`set ${name}`, () => this.#set(set));
        return this.#anew?.sets.has(name) === true ? this.#gone(to, name) : undefined;
      }
      case 'chain': {
        const chain = this.#bound.get(name);
        if (chain !== undefined) return this.#once(`chain ${name}`, () => this.#chain(chain));
        return this.#anew?.chains.has(name) === true ? this.#gone(to, name) : undefined;
      }
      case 'object':
        return this.#anew?.objects.has(reference.key) === true ? this.#gone(to, name) : undefined;
      case 'flowtable':
        return undefined;
      default:
        return to satisfies never;
    }
  }

  #gone(kind: string, name: string): string {
    return NOT_A_NAME + this.#numbers.of(`gone ${kind} ${name}`);
  }

  #once(what: string, content: () => string): string {
    let known = this.#known.get(what);
    if (known === undefined) this.#known.set(what, (known = NOT_A_NAME + this.#numbers.of(content())));
    return known;
  }

  #set({ attributes, elements }: PortableSet): string {
    const { table: _1, name = '', ...definition } = setAsTaken(attributes);
    const own = encoded(setTable, definition as SetAttributes);
    // One with a name of its own is a meter, whose elements are state.
    const title = /^__(set|map)\d+$/.test(name) ? '' : name;
    if (isDynamic(attributes)) return `set ${title} ${own}`;
    const list = Array.from(elements, (e) => encoded(elementTable, this.#element(attributes, elementAsTaken(e, false))));
    return `set ${title} ${own} ${list.sort().join(' ')}`;
  }

  #chain({ rules }: PortableChain): string {
    return `chain ${Array.from(rules, (rule) => this.rule(rule)).join(' ')}`;
  }
}

/** As most elements are. */
const KEY_ALONE = '';
function isKeyAlone({ flags, data, userdata, objref, expr, expressions, unknown }: ElementAttributes): boolean {
  const more = data ?? userdata ?? objref ?? expr ?? expressions ?? unknown;
  return more === undefined && (flags === undefined || flags.length === 0);
}

/** One for all: what is written is read before anything else is. */
const writer = new AttributeWriter();
let written = Buffer.from(writer.bytes.buffer);

export function encoded<T extends object>(table: AttributeTable<T>, value: T): string {
  writer.rewind(0);
  table.encode(writer, value);
  if (written.buffer !== writer.bytes.buffer) written = Buffer.from(writer.bytes.buffer);
  return written.toString('latin1', 0, writer.length);
}
