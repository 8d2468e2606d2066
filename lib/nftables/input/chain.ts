// Chains in a transaction.
import type { Family } from '../../model/ruleset.ts';
import { EncodeError } from '../../wire/errors.ts';
import { chainTable } from '../objects/chain.ts';
import { hookNumber, priority } from '../objects/hooks.ts';
import * as m from '../objects/messages.ts';
import { ruleTable } from '../objects/rule.ts';
import { commentUserdata } from '../objects/userdata.ts';
import { given, handleIn, type Input, nameIn, type ObjectKind, only, payloadAt, type WriteContext, type Written } from './kind.ts';

export const NFTA_CHAIN_HANDLE = 2;

export const chain: ObjectKind = {
  verbs: {
    add: { type: m.NFT_MSG_NEWCHAIN, flags: m.NLM_F_CREATE },
    create: { type: m.NFT_MSG_NEWCHAIN, flags: m.NLM_F_CREATE | m.NLM_F_EXCL },
    delete: { type: m.NFT_MSG_DELCHAIN, flags: 0 },
    destroy: { type: m.NFT_MSG_DESTROYCHAIN, flags: 0 },
    flush: { type: m.NFT_MSG_DELRULE, flags: 0 },
    rename: { type: m.NFT_MSG_NEWCHAIN, flags: 0 },
  },
  write,
};

function write(input: Input, c: WriteContext): void {
  only(input, ['family', 'table', 'name', 'handle', 'newname', 'type', 'hook', 'prio', 'policy', 'dev', 'comment']);
  const family = m.familyNumber(input['family']);
  const table = nameIn(input, 'table');
  const header = { type: c.type, flags: c.flags, family };
  if (c.verb === 'flush') {
    ruleTable.encode(c.w, { table, chain: nameIn(input, 'name') });
    return c.emit(header);
  }
  if (c.verb === 'rename') return writeRename(input, c, header, table);
  const adding = c.verb === 'add' || c.verb === 'create';
  const handle = adding ? undefined : handleIn(input);
  chainTable.encode(c.w, {
    table,
    ...(handle === undefined ? { name: nameIn(input, 'name') } : { handle }),
    ...(adding ? baseChain(input['family'] as Family, input) : {}),
  });
  c.emit(header);
}

/** Hook, policy, type and comment of a chain being added. */
function baseChain(family: Family, input: Input): object {
  const comment = input['comment'] === undefined ? {} : { userdata: commentUserdata(input['comment']) };
  if (input['hook'] === undefined) {
    for (const key of ['type', 'prio', 'dev']) if (input[key] !== undefined) throw new EncodeError(key, 'only a chain with a hook has one');
    return { ...given('policy', input['policy']), ...comment };
  }
  const dev = input['dev'];
  const devices = dev === undefined ? {} : typeof dev === 'string' ? { dev } : { devs: dev };
  return {
    hook: { hooknum: hookNumber(family, input['hook']), priority: priority(family, input['prio'] ?? 0), ...devices },
    ...given('policy', input['policy']),
    type: input['type'] ?? 'filter',
    ...comment,
  };
}

/** The kernel finds a chain to rename by its handle only (nf_tables_newchain). */
function writeRename(input: Input, c: WriteContext, header: Written, table: string): void {
  const newname = nameIn(input, 'newname');
  const handle = handleIn(input);
  const start = c.w.length;
  chainTable.encode(c.w, { table, handle: handle ?? 0n, name: newname });
  if (handle !== undefined) return c.emit(header);
  const at = payloadAt(c.w, start, NFTA_CHAIN_HANDLE);
  c.emit({ ...header, lookup: { kind: 'chain handle', family: header.family, table, chain: nameIn(input, 'name'), at } });
}
