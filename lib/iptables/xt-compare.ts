// Whether two rules are the same rule, as the real programs decide for -C and -D: base fields, then each extension's struct
// over what is not the kernel's own (xshared.c, nft.c compare_matches). Counters don't count. An extension of another revision
// is the same where its options are.
import { type BytesContext, ValueError } from './extensions/codec.ts';
import { codecOfKernel } from './extensions/registry.ts';
import { Struct } from './extensions/struct.ts';
import { revisionOf } from './xt-convert.ts';
import { type XtAddress, type XtExtension, type XtInterface, type XtRule, type XtVerdict, xtAlign } from './xt-rule.ts';

export function sameRule(a: XtRule, b: XtRule, c: BytesContext): boolean {
  return (
    a.matches.length === b.matches.length &&
    a.protocol?.number === b.protocol?.number &&
    a.protocol?.not === b.protocol?.not &&
    sameAddress(a.source, b.source) &&
    sameAddress(a.destination, b.destination) &&
    sameInterface(a.inInterface, b.inInterface) &&
    sameInterface(a.outInterface, b.outInterface) &&
    a.fragment?.not === b.fragment?.not &&
    sameTarget(a.target, b.target, c) &&
    a.matches.every((m, i) => sameExtension('match', m, b.matches[i] as XtExtension, c))
  );
}

/** Equal for rules that are the same, and for few others: all but the options of extensions other than a comment. */
export function looseKey(r: XtRule): string {
  const { protocol, fragment, target } = r;
  const address = (a: XtAddress | undefined): string => (a === undefined ? '' : `${a.not} ${a.address.join()}/${a.mask.join()}`);
  const device = (i: XtInterface | undefined): string => (i === undefined ? '' : `${i.not} ${i.prefix} ${i.name}`);
  const match = ({ name, data }: XtExtension): string => (name === 'comment' ? textOf(data) : name);
  const goal =
    target === undefined ? '' : 'verdict' in target ? `${target.verdict} ${'chain' in target ? target.chain : ''}` : `-j ${target.name}`;
  return JSON.stringify([
    protocol?.number,
    protocol?.not,
    address(r.source),
    address(r.destination),
    device(r.inInterface),
    device(r.outInterface),
    fragment?.not,
    goal,
    r.matches.map(match),
  ]);
}

/** Up to its NUL, where it has one. */
function textOf(data: Uint8Array): string {
  const end = data.indexOf(0);
  return Buffer.from(data.buffer, data.byteOffset, end < 0 ? data.length : end).toString('latin1');
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function sameAddress(a: XtAddress | undefined, b: XtAddress | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.not === b.not && sameBytes(a.address, b.address) && sameBytes(a.mask, b.mask);
}

function sameInterface(a: XtInterface | undefined, b: XtInterface | undefined): boolean {
  return a?.name === b?.name && a?.prefix === b?.prefix && a?.not === b?.not;
}

function sameTarget(a: XtExtension | XtVerdict | undefined, b: XtExtension | XtVerdict | undefined, c: BytesContext): boolean {
  if (a === undefined || b === undefined) return a === b;
  if ('verdict' in a || 'verdict' in b) {
    if (!('verdict' in a && 'verdict' in b) || a.verdict !== b.verdict) return false;
    return ('chain' in a ? a.chain : undefined) === ('chain' in b ? b.chain : undefined);
  }
  return sameExtension('target', a, b, c);
}

function sameExtension(kind: 'match' | 'target', a: XtExtension, b: XtExtension, c: BytesContext): boolean {
  if (a.name !== b.name) return false;
  if (a.revision < b.revision) return sameExtension(kind, b, a, c);
  const other = a.revision === b.revision ? b.data : atRevision(kind, b, a.revision, c);
  return other !== undefined && sameStruct(kind, a, other, c);
}

function revisionLike(kind: 'match' | 'target', e: XtExtension, revision: number, c: BytesContext): ReturnType<typeof revisionOf> {
  return revisionOf(codecOfKernel(kind, e.name, e.revision, e.data, c.family), revision, c.family);
}

function sameStruct(kind: 'match' | 'target', a: XtExtension, b: Uint8Array, c: BytesContext): boolean {
  if (sameBytes(a.data, b)) return true;
  const revision = revisionLike(kind, a, a.revision, c);
  if (revision === undefined || a.data.length !== b.length) return false;
  const [one, other] = [a.data, b].map((data) => {
    const copy = data.slice();
    for (const [from, to] of revision.kernelPrivate ?? []) copy.fill(0, from, to);
    revision.canonical?.(new Struct(copy));
    return copy;
  }) as [Uint8Array, Uint8Array];
  return sameBytes(one, other);
}

/** The same options in the struct of another revision; undefined where either cannot say them. */
function atRevision(kind: 'match' | 'target', e: XtExtension, revision: number, c: BytesContext): Uint8Array | undefined {
  const from = revisionLike(kind, e, e.revision, c);
  const to = revisionLike(kind, e, revision, c);
  if (from === undefined || to === undefined || e.data.length !== xtAlign(from.size)) return undefined;
  try {
    const options = from.read(new Struct(e.data), c) as never;
    const data = new Uint8Array(xtAlign(to.size));
    to.write(options, new Struct(data), c);
    return data;
  } catch (err) {
    if (err instanceof ValueError) return undefined;
    throw err;
  }
}
