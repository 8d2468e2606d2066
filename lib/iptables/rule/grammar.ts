// A codec's options indexed for parsing and printing; built once per codec.
import { type Codec, camel, flag, type OptionSpec } from '../extensions/codec.ts';

export interface OptionEntry {
  /** The long option as it is written. */
  readonly long: string;
  /** Where its value is kept in the options object. */
  readonly key: string;
  readonly spec: OptionSpec<unknown>;
  /** Of options in groups: one of a group, or the one that begins the next. */
  readonly part?: 'element' | 'next';
}

export interface Grammar {
  readonly byLong: ReadonlyMap<string, OptionEntry>;
  readonly byKey: ReadonlyMap<string, OptionEntry>;
  /** In the order they are printed. */
  readonly printed: readonly OptionEntry[];
  /** The options of a group, by key. */
  readonly elementByKey: ReadonlyMap<string, OptionEntry>;
}

const grammars = new Map<Codec, Grammar>();

export function grammarOf(codec: Codec): Grammar {
  let grammar = grammars.get(codec);
  if (grammar === undefined) grammars.set(codec, (grammar = build(codec)));
  return grammar;
}

function build(codec: Codec): Grammar {
  const byLong = new Map<string, OptionEntry>();
  const byKey = new Map<string, OptionEntry>();
  const printed: OptionEntry[] = [];
  const elementByKey = new Map<string, OptionEntry>();
  const { elements } = codec;
  for (const [long, spec] of Object.entries(codec.options)) {
    if (long === elements?.key) continue;
    const entry = { long, key: camel(spec.as ?? long), spec };
    byLong.set(long, entry);
    if (spec.as !== undefined) continue;
    byKey.set(entry.key, entry);
    printed.push(entry);
  }
  for (const [long, spec] of Object.entries(elements?.options ?? {})) {
    const entry = { long, key: camel(spec.as ?? long), spec, part: 'element' as const };
    byLong.set(long, entry);
    if (spec.as === undefined) elementByKey.set(entry.key, entry);
  }
  if (elements !== undefined) byLong.set(elements.next, { long: elements.next, key: '', spec: flag(), part: 'next' });
  return { byLong, byKey, printed, elementByKey };
}
