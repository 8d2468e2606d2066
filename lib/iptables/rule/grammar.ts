// A codec's options indexed for parsing and printing; built once per codec.
import { type Codec, camel, type OptionSpec } from '../extensions/codec.ts';

export interface OptionEntry {
  /** The long option as it is written. */
  readonly long: string;
  /** Where its value is kept in the options object. */
  readonly key: string;
  readonly spec: OptionSpec<unknown>;
}

export interface Grammar {
  readonly byLong: ReadonlyMap<string, OptionEntry>;
  readonly byKey: ReadonlyMap<string, OptionEntry>;
  /** In the order they are printed. */
  readonly printed: readonly OptionEntry[];
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
  for (const [long, spec] of Object.entries(codec.options)) {
    const entry = { long, key: camel(spec.as ?? long), spec };
    byLong.set(long, entry);
    if (spec.as !== undefined) continue;
    byKey.set(entry.key, entry);
    printed.push(entry);
  }
  return { byLong, byKey, printed };
}
