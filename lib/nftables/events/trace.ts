// NFT_MSG_TRACE: one step of a packet through the rules (enum nft_trace_attributes; nf_tables_trace.c nft_trace_notify).

import type { Family, InstalledRule, Ruleset } from '../../model/ruleset.ts';
import type { Message } from '../../wire/attributes.ts';
import { DecodeError } from '../../wire/errors.ts';
import { jsonSafe } from '../../wire/json.ts';
import { be16, be32, be64, beInt32, bytes as bytesKind, string, u8, words } from '../../wire/kinds.ts';
import { attributes, nested, optional } from '../../wire/table.ts';
import { NAME_MAX } from '../expressions/data.ts';
import type { NftRule } from '../installed-rule.ts';
import { familyName } from '../objects/messages.ts';
import { decodePacket } from './packet.ts';
import { present } from './present.ts';
import type { TraceEvent } from './types.ts';

/** enum nft_verdicts and Netfilter's own; a queue's number stands in the high 16 bits. */
const verdicts = { accept: 1, drop: 0, stolen: 2, queue: 3, repeat: 4, continue: -1, break: -2, jump: -3, goto: -4, return: -5 } as const;
const verdictKind = words(beInt32, verdicts);

const traceTable = attributes({
  table: optional(1, string(NAME_MAX)),
  chain: optional(2, string(NAME_MAX)),
  ruleHandle: optional(3, be64),
  type: optional(4, words(be32, { policy: 1, return: 2, rule: 3 })),
  verdict: optional(5, nested(attributes({ code: optional(1, verdictKind), chain: optional(2, string(NAME_MAX)) }))),
  id: optional(6, be32),
  link: optional(7, bytesKind()),
  network: optional(8, bytesKind()),
  transport: optional(9, bytesKind()),
  iif: optional(10, be32),
  iiftype: optional(11, be16),
  oif: optional(12, be32),
  oiftype: optional(13, be16),
  mark: optional(14, be32),
  nfproto: optional(15, be32),
  policy: optional(16, verdictKind),
  // 17 is padding.
  ctId: optional(18, be32),
  /** enum ip_conntrack_dir. */
  ctDirection: optional(19, words(u8, { original: 0, reply: 1 })),
  ctStatus: optional(20, be32),
  ctState: optional(21, be32),
});

/** Rules by where they are and their handle. */
export class TracedRules {
  readonly #rules: Ruleset<NftRule>;
  #byKey: Map<string, NftRule> | undefined;

  constructor(rules: Ruleset<NftRule>) {
    this.#rules = rules;
  }
  find(family: Family, table: string, handle: bigint): NftRule | undefined {
    this.#byKey ??= new Map(Array.from(this.#rules.rules(), (rule) => [key(rule.family, rule.table, rule.handle), rule]));
    return this.#byKey.get(key(family, table, handle));
  }
}

/** Handles are unique within a table. */
function key(family: Family, table: string, handle: bigint): string {
  return `${family} ${handle} ${table}`;
}

export function readTrace(buffer: Uint8Array, message: Message, rules?: TracedRules): TraceEvent {
  const a = traceTable.decode(buffer, message.start, message.end);
  if (a === undefined) throw new DecodeError('a trace with an attribute twice', message.start);
  const family = familyName(message.family);
  const { table = '', chain = '', iif, oif, iiftype, oiftype, link, network, transport } = a;
  const verdict = a.type === 'policy' ? a.policy : a.verdict?.code;
  const packet =
    link !== undefined || network !== undefined || transport !== undefined || iif !== undefined || oif !== undefined
      ? decodePacket(present({ iif, oif, iiftype, oiftype, link, network, transport }))
      : undefined;
  const ct = present({ id: a.ctId, direction: a.ctDirection, status: a.ctStatus, state: a.ctState });
  const trace = present({
    kind: 'trace',
    id: a.id ?? 0,
    type: String(a.type ?? 'unknown'),
    family,
    table,
    chain,
    verdict: verdict === undefined ? undefined : verdictWord(verdict),
    target: a.verdict?.chain,
    rule: a.ruleHandle === undefined ? undefined : ruleOf(family, table, chain, a.ruleHandle, rules),
    packet,
    mark: a.mark,
    nfproto: a.nfproto === undefined ? undefined : familyName(a.nfproto),
    ct: Object.keys(ct).length === 0 ? undefined : ct,
  });
  // Handles are bigint. Not enumerable: a trace is compared and copied as plain data.
  return Object.defineProperty(trace, 'toJSON', { value: () => jsonSafe({ ...trace }) }) as TraceEvent;
}

function ruleOf(
  family: Family,
  table: string,
  chain: string,
  handle: bigint,
  rules: TracedRules | undefined,
): InstalledRule & { readonly handle: bigint } {
  return rules?.find(family, table, handle) ?? { family, table, chain, handle, index: -1 };
}

/** NF_QUEUE carries flags and the queue's number above its low byte (NF_VERDICT_MASK). */
function verdictWord(verdict: string | number): string {
  if (typeof verdict === 'string') return verdict;
  return verdict > 0 ? (Object.entries(verdicts).find(([, n]) => n === (verdict & 0xff))?.[0] ?? String(verdict)) : String(verdict);
}
