// Named objects on the wire and in libnftables-json's words (enum nft_object_attributes; nf_tables_api.c nf_tables_newobj).
import type { Family, NamedObject } from '../../model/ruleset.ts';
import { EncodeError } from '../../wire/errors.ts';
import { be32, be64, bytes, reviveBytes, show, string, words } from '../../wire/kinds.ts';
import { type AttributeTable, type Fields, optional } from '../../wire/table.ts';
import { NAME_MAX } from '../expressions/data.ts';
import { DependentTable, dependent } from './dependent.ts';
import { statefulKind, statefulKinds } from './stateful/index.ts';
import type { Words } from './stateful/kind.ts';
import { commentOf, holdsMore, USERDATA_MAX, withComment } from './userdata.ts';

const shape = {
  table: optional(1, string(NAME_MAX)),
  name: optional(2, string(NAME_MAX)),
  /** NFT_OBJECT_*. */
  kind: optional(3, words<string>(be32, Object.fromEntries(Object.entries(statefulKinds).map(([name, k]) => [name, k.number])))),
  /** How many rules and elements refer to it. */
  use: optional(5, be32),
  handle: optional(6, be64),
  userdata: optional(8, bytes(USERDATA_MAX)),
  /** By `kind`: what its table reads, or the bytes of an unknown one. */
  data: dependent(4),
};
export type ObjectAttributes = Fields<typeof shape>;
export const objectTable: AttributeTable<ObjectAttributes> = new DependentTable<ObjectAttributes>(
  shape,
  'kind',
  'data',
  Object.fromEntries(Object.entries(statefulKinds).map(([name, kind]) => [name, kind.table])),
);

/** Properties of every named object; the others are its kind's. */
const common = ['kind', 'family', 'table', 'name', 'handle', 'comment', 'userdata', 'unknown', 'data'];

/**
 * A dumped object in libnftables-json's words, with `kind` naming it. What no table knows is kept: `unknown` holds attributes
 * of its data, `data` the bytes of an unknown kind, `userdata` what stands there beside a comment.
 */
export function objectModel(family: Family, a: ObjectAttributes): NamedObject {
  const name = String(a.kind ?? 'unknown');
  const kind = statefulKind(name);
  const data = a.data as Words | Uint8Array | undefined;
  const known = data === undefined || data instanceof Uint8Array ? undefined : (kind?.words?.toWords(data) ?? data);
  const comment = commentOf(a.userdata);
  return {
    kind: name,
    family,
    table: a.table ?? '',
    name: a.name ?? '',
    ...(a.handle === undefined ? {} : { handle: a.handle }),
    ...(comment === undefined ? {} : { comment }),
    ...(holdsMore(a.userdata) ? { userdata: a.userdata } : {}),
    ...(data instanceof Uint8Array ? { data } : (known ?? {})),
  };
}

/** The attributes of an object given in words, as objectModel shows it or as JSON keeps that. */
export function objectAttributes(kindName: string, input: Words): ObjectAttributes {
  const kind = statefulKind(kindName);
  const known = kind?.words?.known ?? [];
  const { data, unknown, comment, userdata, ...rest } = input;
  const own: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (common.includes(key) || value === undefined) continue;
    if (kind === undefined || (kind.words !== undefined && !known.includes(key))) {
      throw new EncodeError(key, `unknown property, one of ${[...common, ...known].join(', ')}`);
    }
    own[key] = value;
  }
  const number = kind === undefined ? Number(kindName) : undefined;
  if (number !== undefined && !Number.isInteger(number)) throw new EncodeError('kind', `unknown object ${show(kindName)}`);
  const fields = kind?.words?.toData(own) ?? own;
  const foreign = unknown === undefined ? {} : { unknown };
  const kept = withComment(userdata === undefined ? undefined : reviveBytes(userdata), comment);
  return {
    table: rest['table'] as string,
    ...(rest['name'] === undefined ? {} : { name: rest['name'] as string }),
    kind: number ?? kindName,
    data: kind === undefined || data !== undefined ? reviveBytes(data) : kind.table.revive({ ...fields, ...foreign }),
    ...(kept === undefined ? {} : { userdata: kept }),
  };
}
