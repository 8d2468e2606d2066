// A plan as text: what goes and comes, table by table, as diff -u prints it. A rule is a line of bytecode: nft's own language is out of reach. A line
// with `!` is about what is under the same name before and after.
import { hunks } from '../../sync/hunks.ts';
import { listing } from '../installed-rule.ts';
import { commentOf } from '../objects/userdata.ts';
import type { PortableChain, PortableSet } from '../portable.ts';
import { isMap, setElements } from '../sets/model.ts';
import { setInfoOf } from '../sets/set-info.ts';
import type { Item } from './elements.ts';
import { type ChainPlan, isEmpty, type Part, type SetPlan, type TablePlan } from './parts.ts';

export function diffText(tables: readonly TablePlan[]): string {
  return tables
    .filter((table) => !isEmpty(table))
    .map((table) => `${tableLines(table).join('\n')}\n`)
    .join('');
}

function tableLines(table: TablePlan): string[] {
  const { family, name, chains, sets, objects, flowtables } = table;
  return [
    `--- table ${family} ${name}`,
    `+++ table ${family} ${name}`,
    ...partLines('table', table),
    ...objects.flatMap((o) => partLines(String((o.will ?? o.was)?.kind), o)),
    ...flowtables.flatMap((f) => partLines('flowtable', f)),
    ...sets.flatMap(setLines),
    ...chains.flatMap((chain) => chainLines(table, chain)),
  ];
}

function partLines(kind: string, { name, how, why }: Part<unknown>): string[] {
  switch (how) {
    case 'add':
      return [`+${kind} ${name}`];
    case 'delete':
      return [`-${kind} ${name}`];
    case 'change':
      return [`!${kind} ${name}: ${why.join(', ')}`];
    case 'anew':
      return [`!${kind} ${name}: made anew${why.length === 0 ? '' : `: ${why.join(', ')}`}`];
    case 'keep':
      return [];
    default:
      return how satisfies never;
  }
}

function setLines(set: SetPlan): string[] {
  const { name, was, will, how, elements } = set;
  const lines = [
    ...elements.removed.map((item) => `-${shown(was, item)}`),
    ...elements.refreshed.map((pair) => `!${shown(will, pair.will)}: timeout ${time(pair.was)} -> ${time(pair.will)}`),
    ...(how === 'delete' ? [] : elements.added.map((item) => `+${shown(will, item)}`)),
  ];
  const kind = isMap((will ?? was)?.attributes ?? {}) ? 'map' : 'set';
  return [...partLines(kind, set), ...(lines.length === 0 ? [] : [`@@ elements of ${name} @@`, ...lines])];
}

/** Without the time that is left, which is another at every look. */
function shown(set: PortableSet | undefined, { parts }: Item): string {
  const timeless = parts.map(({ expiration: _, ...e }) => e);
  const [element] = setElements(setInfoOf(set?.attributes ?? {}), timeless);
  return typeof element === 'string' ? element : JSON.stringify(element, (_, v: unknown) => (typeof v === 'bigint' ? Number(v) : v));
}

const time = ({ timeout }: Item): string => (timeout === 0n ? 'none' : `${Number(timeout) / 1000}s`);

function chainLines(table: TablePlan, chain: ChainPlan): string[] {
  const { name, was, will, how, why, alignment } = chain;
  const policies = why.includes('policy') ? [` policy ${was?.attributes.policy} -> ${will?.attributes.policy}`] : [];
  const head = partLines('chain', chain).map((line) => [line, ...policies].join(';'));
  const rules = hunks(name, was?.rules.length ?? 0, how === 'delete' ? new Int32Array(0) : alignment.from, {
    gone: (place) => ruleLine(table, was, place),
    comes: (place) => ruleLine(table, will, place),
  });
  return [...head, ...rules];
}

function ruleLine({ family, name: table }: TablePlan, chain: PortableChain | undefined, place: number): string {
  const rule = chain?.rules.at(place);
  if (rule === undefined) return '';
  // Behind the head of the listing.
  const [, ...lines] = listing({ family, table, chain: chain?.attributes.name ?? '', expressions: rule.expressions }).split('\n');
  const comment = commentOf(rule.userdata);
  return [
    ...lines.map((line) => line.trim()).filter((line) => line !== ''),
    ...(comment === undefined ? [] : [JSON.stringify(comment)]),
  ].join(' ');
}
