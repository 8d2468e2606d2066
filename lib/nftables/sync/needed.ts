// What the rules of some chains need of their table: the sets and objects they name, and the objects that elements of those name.
import type { FlowtableAttributes } from '../objects/flowtable.ts';
import type { ObjectAttributes } from '../objects/object.ts';
import type { PortableChain, PortableSet, PortableTable } from '../portable.ts';
import { isBound } from '../taken.ts';
import { isAnonymous, named } from './content.ts';
import { keyOfObject, type Reference, referenceOf, referenceOfElement } from './references.ts';

export function neededBy(table: PortableTable, chains: readonly PortableChain[]): Pick<PortableTable, 'sets' | 'objects' | 'flowtables'> {
  const sets = named(table.sets, (s) => s.attributes.name);
  const objects = named(table.objects, keyOfObject);
  const flowtables = named(table.flowtables, (f) => f.name);
  const bound = named(
    table.chains.filter((c) => isBound(c.attributes)),
    (c) => c.attributes.name,
  );
  const found = { sets: new Set<PortableSet>(), objects: new Set<ObjectAttributes>(), flowtables: new Set<FlowtableAttributes>() };
  const todo = [...chains];
  const take = (reference: Reference): void => {
    switch (reference.to) {
      case 'set': {
        const set = sets.get(reference.name);
        if (set === undefined || found.sets.has(set)) return;
        found.sets.add(set);
        for (const e of set.elements) {
          const inner = referenceOfElement(set.attributes, e);
          if (inner?.to === 'object') take(inner);
        }
        return;
      }
      case 'object': {
        const object = objects.get(reference.key);
        if (object !== undefined) found.objects.add(object);
        return;
      }
      case 'flowtable': {
        const flowtable = flowtables.get(reference.name);
        if (flowtable !== undefined) found.flowtables.add(flowtable);
        return;
      }
      case 'chain': {
        const chain = bound.get(reference.name);
        if (chain !== undefined) todo.push(chain);
        return;
      }
      default:
        return reference satisfies never;
    }
  };
  for (let chain = todo.pop(); chain !== undefined; chain = todo.pop())
    for (const { expressions } of chain.rules)
      for (const e of expressions) {
        const reference = referenceOf(e);
        if (reference !== undefined) take(reference);
      }
  return {
    sets: [...found.sets].filter((s) => !isAnonymous(s.attributes)),
    objects: [...found.objects],
    flowtables: [...found.flowtables],
  };
}
