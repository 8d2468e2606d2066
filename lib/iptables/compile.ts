// Save text made ready once: parsed and checked, so that a restore has only its bytes to make.
import { NetfilterError } from '../errors.ts';
import type { IpFamily } from './extensions/codec.ts';
import { parseSaveText, type ReadLines, type SavedTable } from './save-text.ts';

/** Save text made ready once: restored again and again it is not parsed again. */
export interface CompiledRuleset {
  /** How many rules it holds. */
  readonly rules: number;
}

interface Content {
  readonly family: IpFamily;
  readonly tables: readonly SavedTable[];
  readonly lines: ReadLines;
}
const contents = new WeakMap<CompiledRuleset, Content>();
/** The last of each family, for as long as somebody has it: texts that follow one another differ in few lines. */
const last = new Map<IpFamily, WeakRef<CompiledRuleset>>();

/**
 * Parses what iptables-save prints, or people write for iptables-restore. Lines that the text compiled before had too are not parsed again, if that is
 * still held. Throws RuleSyntaxError with line, column and word.
 */
export function compile(saveText: string, family: IpFamily = 'ip'): CompiledRuleset {
  const before = last.get(family)?.deref();
  const memory = { before: before && contents.get(before)?.lines, lines: new Map() };
  const tables = parseSaveText(saveText, family, memory);
  const compiled = Object.freeze({ rules: tables.reduce((sum, t) => sum + t.commands.filter((c) => 'rule' in c).length, 0) });
  contents.set(compiled, { family, tables, lines: memory.lines });
  last.set(family, new WeakRef(compiled));
  return compiled;
}

/** The tables of a text or of a compiled one. */
export function tablesOf(input: string | CompiledRuleset, family: IpFamily): readonly SavedTable[] {
  if (typeof input === 'string') return parseSaveText(input, family);
  const content = contents.get(input);
  if (content === undefined)
    throw new NetfilterError('restore: save text or the result of compile() is needed', { code: 'ERR_INVALID_ARG' });
  if (content.family !== family)
    throw new NetfilterError(`restore: the ruleset was compiled for family ${content.family}, this connection is ${family}`, {
      code: 'ERR_INVALID_ARG',
    });
  return content.tables;
}
