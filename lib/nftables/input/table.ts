// Tables in a transaction, and the whole ruleset, which can only be flushed.
import * as m from '../objects/messages.ts';
import { ruleTable } from '../objects/rule.ts';
import { tableTable } from '../objects/table.ts';
import { withComment } from '../objects/userdata.ts';
import { given, handleIn, type Input, nameIn, type ObjectKind, only, type WriteContext } from './kind.ts';

export const table: ObjectKind = {
  verbs: {
    add: { type: m.NFT_MSG_NEWTABLE, flags: m.NLM_F_CREATE },
    create: { type: m.NFT_MSG_NEWTABLE, flags: m.NLM_F_CREATE | m.NLM_F_EXCL },
    delete: { type: m.NFT_MSG_DELTABLE, flags: 0 },
    destroy: { type: m.NFT_MSG_DESTROYTABLE, flags: 0 },
    flush: { type: m.NFT_MSG_DELRULE, flags: 0 },
    reset: { type: m.NFT_MSG_GETRULE_RESET, flags: m.NLM_F_DUMP },
  },
  write,
};

function write(input: Input, c: WriteContext): void {
  only(input, ['family', 'name', 'handle', 'flags', 'comment', 'userdata']);
  const family = m.familyNumber(input['family']);
  if (c.verb === 'flush' || c.verb === 'reset') {
    ruleTable.encode(c.w, { table: nameIn(input, 'name') });
    return c.emit({ type: c.type, flags: c.flags, family });
  }
  const adding = c.verb === 'add' || c.verb === 'create';
  // A name goes before a handle, as with nft: what is named is what is meant.
  const handle = adding || input['name'] !== undefined ? undefined : handleIn(input);
  const flags = input['flags'];
  tableTable.encode(c.w, {
    ...(handle === undefined ? { name: nameIn(input, 'name') } : {}),
    // Without flags none are set: as nft(8) has it, adding a dormant table again makes it active.
    ...(adding ? { flags: (typeof flags === 'string' ? [flags] : (flags ?? [])) as never } : {}),
    ...given('handle', handle),
    ...(adding ? given('userdata', withComment(input['userdata'], input['comment'])) : {}),
  });
  c.emit({ type: c.type, flags: c.flags, family });
  if (adding) return;
  if (handle === undefined) c.sets.forgetTables(family, nameIn(input, 'name'));
  else c.sets.forgetHandle(handle, family);
}

export const ruleset: ObjectKind = {
  verbs: { flush: { type: m.NFT_MSG_DELTABLE, flags: 0 } },
  write(input, c) {
    only(input, ['family']);
    const family = input['family'] === undefined ? m.NFPROTO_UNSPEC : m.familyNumber(input['family']);
    // No name: every table (nf_tables_deltable, nft_flush), of a family or of all; but for those that another socket owns.
    c.emit({ type: c.type, flags: c.flags, family });
    c.sets.forgetTables(family);
  },
};
