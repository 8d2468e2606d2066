// What has to happen to a table: the least that makes of it what is desired.
import { NetfilterError } from '../../errors.ts';
import type { Slice, Verb } from '../../run.ts';
import { type Alignment, align, alignmentOf } from '../../sync/align.ts';
import { EncodeError } from '../../wire/errors.ts';
import type { FlowtableAttributes } from '../objects/flowtable.ts';
import type { ObjectAttributes } from '../objects/object.ts';
import {
  PictureElements,
  type PortableChain,
  type PortableRule,
  type PortableSet,
  type PortableTable,
  type RuleList,
} from '../portable.ts';
import { hasEnds, isBound } from '../taken.ts';
import { isAnonymous, isConstant, type MadeAnew, type Numbers, TableContent } from './content.ts';
import { chainDifferences, flowtableDifferences, objectDifferences, setDifferences, tableDifferences } from './definitions.ts';
import { type ElementPlan, itemsOf, noElements, planElements } from './elements.ts';
import { neededBy } from './needed.ts';
import { type ChainPlan, isGone, type Pair, type Part, pairs, part, type SetPlan, type TablePlan, withTable } from './parts.ts';
import { keyOfObject, objectKey } from './references.ts';
import type { TableScope } from './scope.ts';

export interface PlanSettings {
  /** What the packet path has put in dynamic sets is made what is desired too. */
  readonly dynamic: boolean;
  readonly numbers: Numbers;
  readonly slice: Slice;
}

/** `was`: the table in the kernel. */
export function planTable(scope: TableScope, was: PortableTable | undefined, o: PlanSettings): Verb<TablePlan> {
  return new TablePlanner(scope, was, o).plan();
}

/** Kinds of objects whose data NFT_MSG_NEWOBJ changes where they are, with their state; of all others it changes nothing and says nothing (nf_tables_newobj). */
const updated = new Set(['quota', 'synproxy'].map((kind) => objectKey(kind, '')));

type Owned = Pick<PortableTable, 'sets' | 'objects' | 'flowtables'>;

class TablePlanner {
  readonly #scope: TableScope;
  readonly #was: PortableTable | undefined;
  readonly #will: PortableTable | undefined;
  readonly #o: PlanSettings;
  readonly #anew: MadeAnew = { chains: new Set(), sets: new Set(), objects: new Set() };
  readonly #before: TableContent;
  readonly #after: TableContent;
  #agree: boolean | undefined;

  constructor(scope: TableScope, was: PortableTable | undefined, o: PlanSettings) {
    this.#scope = scope;
    this.#was = was;
    this.#will = scope.desired;
    this.#o = o;
    this.#before = new TableContent(was, o.numbers, this.#anew);
    this.#after = new TableContent(scope.desired, o.numbers);
  }

  *plan(): Verb<TablePlan> {
    const chains = this.#chains();
    const objects = this.#objects();
    const flowtables = this.#flowtables();
    const head = this.#head(chains);
    const renewed = head.how === 'anew';
    for (const { name, how } of chains) if (how === 'anew') this.#anew.chains.add(name);
    for (const o of objects) if (o.how === 'anew') this.#anew.objects.add(keyOfObject(o.was as ObjectAttributes));
    const goneChains = new Set(chains.filter(isGone).map(({ name }) => name));
    const sets: SetPlan[] = [];
    for (const set of this.#sets()) {
      sets.push(yield* this.#planSet(set, renewed, goneChains));
    }
    const withRules: ChainPlan[] = [];
    for (const chain of renewed ? withTable<PortableChain, Part<PortableChain>>(chains) : chains)
      withRules.push({ ...chain, alignment: yield* this.#align(chain) });
    const refused = renewed ? undefined : flowtables.find(({ how }) => how === 'anew');
    if (refused !== undefined)
      throw this.#unsupported(
        `flowtable ${refused.name} of table ${this.#place} has another ${refused.why.join(', ')}, which is not changed`,
      );
    let [added, removed, moved, kept, minimal] = [0, 0, 0, 0, true];
    for (const { alignment: a } of withRules) {
      added += a.added;
      removed += a.removed;
      moved += a.moved;
      kept += a.kept;
      minimal &&= a.minimal;
    }
    return {
      ...head,
      family: this.#scope.family,
      chains: withRules,
      sets,
      objects: renewed ? withTable<ObjectAttributes, Part<ObjectAttributes>>(objects) : objects,
      flowtables: renewed ? withTable<FlowtableAttributes, Part<FlowtableAttributes>>(flowtables) : flowtables,
      ...{ added, removed, moved, kept, minimal },
      content: this.#after,
    };
  }

  get #partly(): boolean {
    return this.#scope.covers !== undefined;
  }

  /** The kernel takes no change of a table's flags in a transaction in which a base chain comes under the name of one that goes. */
  #head(chains: readonly Part<PortableChain>[]): Part<PortableTable> {
    const { name } = this.#scope;
    const [was, will] = [this.#was, this.#will];
    if (this.#partly) {
      const makes = was === undefined && chains.some(({ how }) => how === 'add');
      return { name, was, will, how: makes ? 'add' : 'keep', why: [] };
    }
    const head = part({ name, was, will }, (a, b) => this.#judged('', () => tableDifferences(a.attributes, b.attributes)), ['flags']);
    if (head.how === 'keep') return head;
    // Made anew it would be nobody's.
    if (was?.attributes.flags?.includes('owner') === true) {
      const what = head.how === 'delete' ? 'is not deleted' : `has another ${head.why.join(', ')}, which is not changed,`;
      throw this.#unsupported(`table ${this.#place} ${what} while a socket owns it`);
    }
    if (head.how !== 'change') return head;
    const persists = (t: PortableTable | undefined): boolean => t?.attributes.flags?.includes('persist') === true;
    const rehooked = chains.some((c) => c.how === 'anew' && [c.was, c.will].some((chain) => chain?.attributes.hook !== undefined));
    return rehooked || persists(was) !== persists(will) ? { ...head, how: 'anew' } : head;
  }

  #chains(): Part<PortableChain>[] {
    const { covers } = this.#scope;
    const own = (table: PortableTable | undefined): PortableChain[] =>
      (table?.chains ?? []).filter((c) => !isBound(c.attributes) && (covers?.(c.attributes.name ?? '') ?? true));
    return pairs(own(this.#was), own(this.#will), (c) => c.attributes.name).map((pair) =>
      part(pair, (a, b) => this.#judged(`chain ${pair.name}`, () => chainDifferences(a.attributes, b.attributes)), ['policy', 'counters']),
    );
  }

  /** Of a table that is in the scope in part nothing is compared but chains: what is missing there comes, whatever is there stays. */
  #parts<T>(list: (of: Owned) => readonly T[], nameOf: (one: T) => string | undefined, keyOf = nameOf): Pair<T>[] {
    const was = this.#was === undefined ? [] : list(this.#was);
    if (!this.#partly) return pairs(was, this.#will === undefined ? [] : list(this.#will), nameOf, keyOf);
    const { covers } = this.#scope;
    const chains = this.#will?.chains.filter((c) => covers?.(c.attributes.name ?? '')) ?? [];
    const needed = this.#will === undefined ? [] : list(neededBy(this.#will, chains));
    return pairs(was, needed, nameOf, keyOf).filter((pair) => pair.was === undefined);
  }

  #objects(): Part<ObjectAttributes>[] {
    return this.#parts(
      (t) => t.objects,
      (o) => o.name,
      keyOfObject,
    ).map((pair) => {
      const inPlace = updated.has(objectKey(pair.will?.kind, '')) ? ['data'] : [];
      return part(pair, (a, b) => this.#judged(`object ${pair.name}`, () => objectDifferences(a, b)), inPlace);
    });
  }

  #flowtables(): Part<FlowtableAttributes>[] {
    return this.#parts(
      (t) => t.flowtables,
      (f) => f.name,
    ).map((pair) => part(pair, (a, b) => this.#judged(`flowtable ${pair.name}`, () => flowtableDifferences(a, b)), []));
  }

  #sets(): Part<PortableSet>[] {
    const own = this.#parts(
      (t) => t.sets.filter((s) => !isAnonymous(s.attributes)),
      (s) => s.attributes.name,
    );
    return own.map((pair) => part(pair, (a, b) => this.#judged(`set ${pair.name}`, () => setDifferences(a.attributes, b.attributes)), []));
  }

  *#planSet(set: Part<PortableSet>, renewed: boolean, goneChains: ReadonlySet<string>): Verb<SetPlan> {
    const { name, was, will } = set;
    const untouched = set.how === 'keep' && !renewed ? this.#untouched(was, will) : undefined;
    if (untouched !== undefined) return { ...set, elements: { ...noElements, kept: untouched } };
    const { slice, dynamic } = this.#o;
    const before = was === undefined ? [] : yield* itemsOf(was, this.#before, slice, 'dumped');
    const after = will === undefined ? [] : yield* this.#judgedVerb(`set ${name}`, itemsOf(will, this.#after, slice, 'written'));
    const all: ElementPlan = { added: after, removed: before, refreshed: [], kept: 0 };
    if (set.how !== 'keep') {
      this.#anew.sets.add(name);
      return { ...set, elements: all };
    }
    if (renewed) return { ...set, how: 'anew', elements: all };
    const { attributes } = will as PortableSet;
    const elements = planElements(attributes, before, after, { all: dynamic, goneChains });
    // The kernel takes no changes of a constant set that rules refer to.
    if (!isConstant(attributes) || changes(elements) === 0) return { ...set, elements };
    this.#anew.sets.add(name);
    return { ...set, how: 'anew', why: ['elements'], elements: all };
  }

  /** How many elements a set has that was dumped as it shall be. Those of which a range is two are looked at to be counted. */
  #untouched(was: PortableSet | undefined, will: PortableSet | undefined): number | undefined {
    if (this.#anew.chains.size + this.#anew.objects.size > 0 || hasEnds(was?.attributes ?? {})) return undefined;
    const [before, after] = [was?.elements, will?.elements];
    if (!(before instanceof PictureElements && after instanceof PictureElements)) return undefined;
    return before.isDumpedAs(after) ? before.count : undefined;
  }

  *#align({ name, how, was, will }: Part<PortableChain>): Verb<Alignment> {
    const [before, after] = [was?.rules ?? [], will?.rules ?? []];
    const [head, tail] = how !== 'anew' && this.#looksTell() ? alikeAtEnds(before, after) : [0, 0];
    const old = yield* this.#keys(before, head, tail, (rule) => this.#before.rule(rule));
    const keys = yield* this.#keys(after, head, tail, (rule, place) =>
      this.#judged(`rule ${place + 1} of chain ${name}`, () => this.#after.rule(rule)),
    );
    return how === 'anew' ? alignmentOf(old, keys, new Int32Array(keys.length).fill(-1)) : align(old, keys);
  }

  /** Whether rules that were dumped alike are the same: what is made anew, or is called otherwise, is another. */
  #looksTell(): boolean {
    const { chains, sets, objects } = this.#anew;
    this.#agree ??= chains.size + sets.size + objects.size === 0 && this.#before.agreesWith(this.#after);
    return this.#agree;
  }

  /** Those at both ends that are known to stay have no key. */
  *#keys(rules: RuleList, head: number, tail: number, keyOf: (rule: PortableRule, place: number) => string): Verb<string[]> {
    const keys = new Array<string>(rules.length).fill('');
    for (let place = head; place < rules.length - tail; place++) {
      keys[place] = keyOf(rules.at(place) as PortableRule, place);
      yield* this.#o.slice.pause();
    }
    return keys;
  }

  #judged<T>(what: string, judge: () => T): T {
    try {
      return judge();
    } catch (err) {
      if (!(err instanceof EncodeError)) throw err;
      throw new NetfilterError(`sync: ${what === '' ? '' : `${what} in `}table ${this.#place}: ${err.message}; nothing was sent`, {
        code: 'ERR_INVALID_ARG',
        cause: err,
      });
    }
  }

  /** An error thrown into this verb is not passed on to the inner one: only pause() yields there, whose step does not fail. */
  *#judgedVerb<T>(what: string, verb: Verb<T>): Verb<T> {
    let turn = this.#judged(what, () => verb.next());
    while (turn.done !== true) {
      const result = yield turn.value;
      turn = this.#judged(what, () => verb.next(result));
    }
    return turn.value;
  }

  #unsupported(why: string): NetfilterError {
    return new NetfilterError(`sync: ${why}; nothing was sent`, { code: 'ERR_NOT_SUPPORTED' });
  }

  get #place(): string {
    return `${this.#scope.family} ${this.#scope.name}`;
  }
}

/** How many rules at the beginning, and how many at the end, were dumped alike. */
function alikeAtEnds(a: RuleList, b: RuleList): [head: number, tail: number] {
  if (a.content === undefined || b.content === undefined) return [0, 0];
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a.content(head) === b.content(head)) head++;
  let tail = 0;
  while (tail < most - head && a.content(a.length - 1 - tail) === b.content(b.length - 1 - tail)) tail++;
  return [head, tail];
}

function changes({ added, removed, refreshed }: ElementPlan): number {
  return added.length + removed.length + refreshed.length;
}
