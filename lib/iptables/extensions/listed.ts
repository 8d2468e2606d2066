// -L text that is the options themselves, as most extensions have it: in the order of the save commands, without the dashes.
import { camel, isNot, type ListContext, type OptionTable } from './codec.ts';

export interface Listed {
  /** Before every option's name; none by default. */
  readonly prefix?: string;
  /** The value of an option that isn't listed as it is saved. */
  readonly show?: (key: string, value: unknown) => string | undefined;
}

/** ` ! name value` for each option that is there. */
export function listed(table: OptionTable, options: object, c: ListContext, { prefix = '', show }: Listed = {}): string {
  let text = '';
  for (const [long, { as, value }] of Object.entries(table)) {
    const key = camel(long);
    const given = (options as Readonly<Record<string, unknown>>)[key];
    if (as !== undefined || given === undefined) continue;
    const inverted = isNot(given);
    const plain = inverted ? given.not : given;
    const shown = show?.(key, plain);
    text += [
      inverted ? ' !' : '',
      ` ${prefix}${long}`,
      ...(shown === undefined ? value.format(plain, c) : [shown]).map((word) => ` ${word}`),
    ].join('');
  }
  return text;
}
