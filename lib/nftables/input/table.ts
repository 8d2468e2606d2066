// Tables in a transaction.
import * as m from '../objects/messages.ts';
import { ruleTable } from '../objects/rule.ts';
import { tableTable } from '../objects/table.ts';
import { commentUserdata } from '../objects/userdata.ts';
import { given, handleIn, type Input, nameIn, type ObjectKind, only, type WriteContext } from './kind.ts';

export const table: ObjectKind = {
  verbs: {
    add: { type: m.NFT_MSG_NEWTABLE, flags: m.NLM_F_CREATE },
    create: { type: m.NFT_MSG_NEWTABLE, flags: m.NLM_F_CREATE | m.NLM_F_EXCL },
    delete: { type: m.NFT_MSG_DELTABLE, flags: 0 },
    destroy: { type: m.NFT_MSG_DESTROYTABLE, flags: 0 },
    flush: { type: m.NFT_MSG_DELRULE, flags: 0 },
  },
  write,
};

function write(input: Input, c: WriteContext): void {
  only(input, ['family', 'name', 'handle', 'flags', 'comment']);
  const family = m.familyNumber(input['family']);
  if (c.verb === 'flush') {
    ruleTable.encode(c.w, { table: nameIn(input, 'name') });
    return c.emit({ type: c.type, flags: c.flags, family });
  }
  const adding = c.verb === 'add' || c.verb === 'create';
  const handle = adding ? undefined : handleIn(input);
  const flags = input['flags'];
  tableTable.encode(c.w, {
    ...(handle === undefined ? { name: nameIn(input, 'name') } : {}),
    ...(adding ? { flags: (typeof flags === 'string' ? [flags] : (flags ?? [])) as never } : {}),
    ...given('handle', handle),
    ...(adding && input['comment'] !== undefined ? { userdata: commentUserdata(input['comment']) } : {}),
  });
  c.emit({ type: c.type, flags: c.flags, family });
}
