// Which backend holds the rules of a host: as Kubernetes' and Docker's own detection decides, and why.
import { Connection, type Netns } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import { families } from '../nftables/objects/messages.ts';
import { dumpScopes, type RuleScope, readGeneration } from '../nftables/read.ts';
import type { Verb } from '../run.ts';
import type { IptablesBackend } from './backend.ts';
import { builtinChain, tableNames } from './builtin.ts';
import { CompatBackend } from './compat/backend.ts';
import { dumpChains } from './compat/look.ts';
import type { IpFamily } from './extensions/codec.ts';
import { LegacyBackend } from './legacy/backend.ts';
import { checkPermitted, existingTables, requestTable } from './legacy/requests.ts';
import { LegacyTable } from './legacy/table.ts';

export interface BackendChoice {
  readonly name: 'legacy' | 'nft';
  /** In words, for a log. */
  readonly why: string;
  /** Rules or user chains of the family are in the other backend too: the kernel runs both. */
  readonly otherHasRules: boolean;
}
export interface ChosenBackend {
  readonly connection: Connection;
  readonly choice: BackendChoice;
  readonly verbs: IptablesBackend;
}

/** What was found in one backend, over both families. */
interface Found {
  /** Why it cannot be used or looked at. */
  readonly problem?: NetfilterError;
  /** Whether the family has rules or user chains. */
  readonly holds: Readonly<Record<IpFamily, boolean>>;
  /** User chains as `table chain`, of either family. */
  readonly chains: ReadonlySet<string>;
  /** How many rules and user chains there are. */
  readonly count: () => Verb<number>;
}

/** The chains by which kubelet and Docker mark the backend they use; kubelet's go first (kubernetes-sigs/iptables-wrappers). */
const marks = [
  { chains: ['mangle KUBE-IPTABLES-HINT', 'mangle KUBE-KUBELET-CANARY'], whose: 'kubelet' },
  { chains: ['filter DOCKER-USER', 'filter DOCKER', 'nat DOCKER'], whose: 'Docker' },
] as const;

/** Opens a connection with the backend asked for, or the one that the host uses. */
export function* openBackend(
  family: IpFamily,
  backend: 'legacy' | 'nft' | 'auto',
  netns: Netns | undefined,
  lockTimeoutMs: number,
): Verb<ChosenBackend> {
  const connection = yield* Connection.open(netns);
  try {
    const nft = yield* lookAtNft(connection);
    const legacy = yield* lookAtLegacy(connection);
    const choice = yield* choose(family, backend, nft, legacy);
    const mine = choice.name === 'nft' ? nft : legacy;
    if (mine.problem !== undefined) throw mine.problem;
    const verbs = choice.name === 'nft' ? new CompatBackend(connection, family) : new LegacyBackend(connection, family, lockTimeoutMs);
    return { connection, choice, verbs };
  } catch (err) {
    connection.closeSync();
    throw err;
  }
}

function* choose(family: IpFamily, asked: 'legacy' | 'nft' | 'auto', nft: Found, legacy: Found): Verb<BackendChoice> {
  const found = { nft, legacy };
  const [name, why] = asked === 'auto' ? yield* decide(nft, legacy) : ([asked, 'asked for'] as const);
  const other = name === 'nft' ? 'legacy' : 'nft';
  const { problem, holds } = found[other];
  const unseen = problem === undefined ? '' : `; ${other} could not be looked at: ${problem.message}`;
  return { name, why: `${why}${unseen}`, otherHasRules: holds[family] };
}

function* decide(nft: Found, legacy: Found): Verb<readonly ['nft' | 'legacy', string]> {
  if (nft.problem !== undefined && legacy.problem === undefined)
    return ['legacy', 'the kernel has no nf_tables, or does not let us use it'];
  if (legacy.problem !== undefined) return ['nft', 'nf_tables is what can be used'];
  for (const { chains, whose } of marks) {
    for (const [name, found] of [
      ['nft', nft],
      ['legacy', legacy],
    ] as const) {
      const mark = chains.find((chain) => found.chains.has(chain));
      if (mark !== undefined)
        return [name, `${whose} uses ${name}: its chain ${mark.split(' ')[1]} is in table ${mark.split(' ')[0]} there`];
    }
  }
  const [nftHolds, legacyHolds] = [nft, legacy].map(({ holds }) => holds.ip || holds.ip6);
  if (!legacyHolds)
    return [
      'nft',
      nftHolds
        ? 'nf_tables holds rules or user chains, legacy none'
        : 'neither backend holds rules or user chains, and the kernel has nf_tables',
    ];
  if (!nftHolds) return ['legacy', 'legacy holds rules or user chains, nf_tables none'];
  const [inNft, inLegacy] = [yield* nft.count(), yield* legacy.count()];
  if (inLegacy > inNft) return ['legacy', `legacy holds more: ${inLegacy} rules and user chains, nf_tables ${inNft}`];
  return ['nft', `nf_tables holds as many rules and user chains or more: ${inNft}, legacy ${inLegacy}`];
}

function unusable(problem: NetfilterError): Found {
  return { problem, holds: { ip: false, ip6: false }, chains: new Set(), count: () => known(0) };
}

// biome-ignore lint/correctness/useYield: a verb that needs nothing of the kernel
function* known(count: number): Verb<number> {
  return count;
}

/**
 * By the chains alone, which are few. How often each is used tells whether there are rules, but not how many: a jump counts in its own chain
 * and in the one it leads to.
 */
function* lookAtNft(connection: Connection): Verb<Found> {
  try {
    yield* readGeneration(connection);
    const holds = { ip: false, ip6: false };
    const chains = new Set<string>();
    const used: RuleScope[] = [];
    let users = 0;
    for (const family of ['ip', 'ip6'] as const) {
      for (const a of yield* dumpChains(connection, family)) {
        const { table = '', name = '', use = 0 } = a;
        if (!tableNames.includes(table)) continue;
        const user = a.hook === undefined;
        if (!user && builtinChain(table, name) === undefined) continue;
        if (use > 0) used.push({ family: families[family], table, chain: name });
        if (user) users++;
        if (user) chains.add(`${table} ${name}`);
        if (user || use > 0) holds[family] = true;
      }
    }
    const count = function* (): Verb<number> {
      return users + (used.length === 0 ? 0 : (yield* dumpScopes(connection, used)).handles.length);
    };
    return { holds, chains, count };
  } catch (err) {
    if (err instanceof NetfilterError) return unusable(err);
    throw err;
  }
}

function* lookAtLegacy(connection: Connection): Verb<Found> {
  try {
    yield* checkPermitted(connection);
    const holds = { ip: false, ip6: false };
    const chains = new Set<string>();
    let count = 0;
    for (const family of ['ip', 'ip6'] as const) {
      for (const name of yield* existingTables(connection, family, tableNames)) {
        const reply = yield* requestTable(connection, family, name);
        if (reply.complaint !== undefined) {
          // Somebody's, and unlike any that we know: whoever asks for it is told, the other tables can be used.
          holds[family] = true;
          count++;
          continue;
        }
        for (const chain of reply.missing === true ? [] : new LegacyTable(family, name, reply).chains) {
          const held = chain.end - chain.start + (chain.hook === undefined ? 1 : 0);
          count += held;
          if (held > 0) holds[family] = true;
          if (chain.hook === undefined) chains.add(`${name} ${chain.name}`);
        }
      }
    }
    return { holds, chains, count: () => known(count) };
  } catch (err) {
    if (err instanceof NetfilterError) return unusable(err);
    throw err;
  }
}
