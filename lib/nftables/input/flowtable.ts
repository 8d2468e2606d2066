// Flowtables in a transaction.
import { EncodeError } from '../../wire/errors.ts';
import { flowtableTable } from '../objects/flowtable.ts';
import { flowtableHooks, hookOf, priority } from '../objects/hooks.ts';
import * as m from '../objects/messages.ts';
import { given, handleIn, type Input, nameIn, type ObjectKind, only, type WriteContext } from './kind.ts';
import { inWords, type Renames, userPath } from './user-paths.ts';

export const flowtable: ObjectKind = {
  verbs: {
    // For one that is there: more devices.
    add: { type: m.NFT_MSG_NEWFLOWTABLE, flags: m.NLM_F_CREATE },
    create: { type: m.NFT_MSG_NEWFLOWTABLE, flags: m.NLM_F_CREATE | m.NLM_F_EXCL },
    // With devices: it loses these and stays.
    delete: { type: m.NFT_MSG_DELFLOWTABLE, flags: 0 },
    destroy: { type: m.NFT_MSG_DESTROYFLOWTABLE, flags: 0 },
  },
  write,
};

const renames: Renames = [
  ['hook.hooknum', 'hook'],
  ['hook.priority', 'prio'],
  ['hook.devs', 'dev'],
];

function write(input: Input, c: WriteContext): void {
  only(input, ['family', 'table', 'name', 'handle', 'hook', 'prio', 'dev', 'flags']);
  const table = nameIn(input, 'table');
  const adding = c.verb === 'add' || c.verb === 'create';
  const handle = adding ? undefined : handleIn(input);
  const { dev, flags } = input;
  const devs = dev === undefined ? {} : { devs: (typeof dev === 'string' ? [dev] : dev) as readonly string[] };
  const hook = adding ? hookIn(input, devs) : dev === undefined ? undefined : devs;
  inWords(renames, () =>
    flowtableTable.encode(c.w, {
      table,
      ...(handle === undefined ? { name: nameIn(input, 'name') } : {}),
      ...given('hook', hook),
      ...given('handle', handle),
      ...(adding && flags !== undefined ? { flags: (typeof flags === 'string' ? [flags] : flags) as never } : {}),
    }),
  );
  c.emit({ type: c.type, flags: c.flags, family: m.familyNumber(input['family']), locate: (path) => userPath(renames, path) });
}

function hookIn(input: Input, devs: object): object {
  if (input['hook'] === undefined) throw new EncodeError('hook', 'is missing');
  // nft names one priority here, filter, which is 0 in every family (nft(8), Flowtables).
  return { hooknum: hookOf(flowtableHooks, input['hook'], 'of a flowtable'), priority: priority('netdev', input['prio'] ?? 0), ...devs };
}
