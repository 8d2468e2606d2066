// Names of numbers that the system keeps in files, each read once; a file that isn't there has no names.
import { readFileSync } from 'node:fs';

export interface Names {
  number(name: string): number | undefined;
  name(number: number): string | undefined;
}
type NameLine = readonly [number: number, name: string];

/** The first line that has a name, or a number, counts. */
export function namesOf(lines: Iterable<NameLine>): Names {
  const numbers = new Map<string, number>();
  const names = new Map<number, string>();
  for (const [number, name] of lines) {
    if (!numbers.has(name)) numbers.set(name, number);
    if (!names.has(number)) names.set(number, name);
  }
  return { number: (name) => numbers.get(name), name: (number) => names.get(number) };
}

/** The number's name, unless that is read back as another number. */
export function readableName(names: Names, number: number): string | undefined {
  const name = names.name(number);
  const isNumber = name === undefined || /^\+?(0x[0-9a-f]+|[0-9]+)(\/.*)?$/i.test(name);
  return isNumber || names.number(name) !== number ? undefined : name;
}

function fileNames(path: string, parse: (line: string) => NameLine | undefined): () => Names {
  let names: Names | undefined;
  return () => (names ??= namesOf(textLines(path).flatMap((line) => [parse(line) ?? []].filter(isLine))));
}
function isLine(line: NameLine | readonly []): line is NameLine {
  return line.length === 2;
}
function textLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** `name:password:id:…` of /etc/passwd and /etc/group. */
export function accountLine(line: string): NameLine | undefined {
  const [name = '', , id = ''] = line.split(':');
  return name !== '' && !name.startsWith('#') && /^[0-9]+$/.test(id) ? [Number(id), name] : undefined;
}
export const users = fileNames('/etc/passwd', accountLine);
export const groups = fileNames('/etc/group', accountLine);

/** `id name` of the files of iproute2, the id in decimal or hex, up to 255 (xtables_lmap_init). */
export function iproute2Line(line: string): NameLine | undefined {
  const [, id, name] = /^\s*(0x[0-9a-fA-F]+|[0-9]+)\s+([^\s#]\S*)/.exec(line) ?? [];
  return id !== undefined && name !== undefined && Number(id) <= 255 ? [Number(id), name] : undefined;
}
export const deviceGroups = fileNames('/etc/iproute2/group', iproute2Line);

/** `bit name` of connlabel.conf (nfct_labelmap_new of libnetfilter_conntrack); a name may have blanks inside. */
export function labelLine(line: string): NameLine | undefined {
  const [, bit, name] = /^\s*(0x[0-9a-f]+|[0-9]+)\s+(\S(?:.*\S)?)\s*$/i.exec(line) ?? [];
  if (bit === undefined || name === undefined) return undefined;
  const number = /^0[0-7]+$/.test(bit) ? Number.parseInt(bit, 8) : Number(bit);
  return number <= 0xffff ? [number, name] : undefined;
}
export const connectionLabels = fileNames('/etc/xtables/connlabel.conf', labelLine);
