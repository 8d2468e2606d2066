// Anonymous sets: the kernel numbers `__set%d`, so inside a batch only NFTA_SET_ID says which one an expression means.
import type { AnyExpression } from '../expressions/expression.ts';
import type { SetScope } from './scope.ts';

const anonymous = /^__(set|map)%d$/;

/** lookup, dynset and objref that name an anonymous set get the id of the one the transaction added last under this name. */
export function tied(expressions: readonly AnyExpression[], family: number, table: string, sets: SetScope): readonly AnyExpression[] {
  if (!expressions.some((e) => loose(e) !== undefined)) return expressions;
  return expressions.map((e) => {
    const name = loose(e);
    const id = name === undefined ? undefined : sets.find({ family, table, name })?.id;
    return id === undefined ? e : { ...e, setId: id };
  });
}

function loose(e: AnyExpression | undefined): string | undefined {
  const name = e?.['set'];
  return typeof name === 'string' && anonymous.test(name) && e?.['setId'] === undefined ? name : undefined;
}
