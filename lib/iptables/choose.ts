// Which backend holds the rules of a host: as Kubernetes' and Docker's own detection decides, and why.
import { Connection, type Netns } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import { chainTable } from '../nftables/objects/chain.ts';
import { families, NFT_MSG_GETCHAIN } from '../nftables/objects/messages.ts';
import { decodeAll } from '../nftables/picture.ts';
import { dump, readGeneration } from '../nftables/read.ts';
import type { Verb } from '../run.ts';
import type { IptablesBackend } from './backend.ts';
import { builtinChain, tableNames } from './builtin.ts';
import { CompatBackend } from './compat/backend.ts';
import type { IpFamily } from './extensions/codec.ts';
import { LegacyBackend } from './legacy/backend.ts';
import { checkPermitted, readTable } from './legacy/requests.ts';

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
  /** Rules, by family. */
  readonly rules: Readonly<Record<IpFamily, number>>;
  /** User chains as `table chain`, of either family. */
  readonly chains: ReadonlySet<string>;
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
    const choice = choose(family, backend, nft, legacy);
    const mine = choice.name === 'nft' ? nft : legacy;
    if (mine.problem !== undefined) throw mine.problem;
    const verbs = choice.name === 'nft' ? new CompatBackend(connection, family) : new LegacyBackend(connection, family, lockTimeoutMs);
    return { connection, choice, verbs };
  } catch (err) {
    connection.closeSync();
    throw err;
  }
}

function choose(family: IpFamily, asked: 'legacy' | 'nft' | 'auto', nft: Found, legacy: Found): BackendChoice {
  const found = { nft, legacy };
  const [name, why] = asked === 'auto' ? decide(nft, legacy) : ([asked, 'asked for'] as const);
  const other = name === 'nft' ? 'legacy' : 'nft';
  const { problem, rules } = found[other];
  const unseen = problem === undefined ? '' : `; ${other} could not be looked at: ${problem.message}`;
  return { name, why: `${why}${unseen}`, otherHasRules: rules[family] > 0 };
}

function decide(nft: Found, legacy: Found): readonly ['nft' | 'legacy', string] {
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
  const [inNft, inLegacy] = [nft.rules.ip + nft.rules.ip6, legacy.rules.ip + legacy.rules.ip6];
  if (inLegacy > inNft) return ['legacy', `legacy holds more: ${inLegacy} rules and user chains, nf_tables ${inNft}`];
  return [
    'nft',
    inNft === 0
      ? 'neither backend holds rules, and the kernel has nf_tables'
      : `nf_tables holds as many rules or more: ${inNft}, legacy ${inLegacy}`,
  ];
}

const nothing: Found = { rules: { ip: 0, ip6: 0 }, chains: new Set() };

/** By the chains alone: each says how often it is used, by its rules and by jumps. */
function* lookAtNft(connection: Connection): Verb<Found> {
  try {
    yield* readGeneration(connection);
    const rules = { ip: 0, ip6: 0 };
    const chains = new Set<string>();
    for (const family of ['ip', 'ip6'] as const) {
      for (const { attributes: a } of decodeAll(
        yield* dump(connection, 'dump of chains', NFT_MSG_GETCHAIN, families[family]),
        chainTable,
      )) {
        const { table = '', name = '' } = a;
        if (!tableNames.includes(table)) continue;
        const user = a.hook === undefined;
        if (!user && builtinChain(table, name) === undefined) continue;
        rules[family] += (a.use ?? 0) + (user ? 1 : 0);
        if (user) chains.add(`${table} ${name}`);
      }
    }
    return { rules, chains };
  } catch (err) {
    if (err instanceof NetfilterError) return { ...nothing, problem: err };
    throw err;
  }
}

function* lookAtLegacy(connection: Connection): Verb<Found> {
  try {
    yield* checkPermitted(connection);
    const rules = { ip: 0, ip6: 0 };
    const chains = new Set<string>();
    for (const family of ['ip', 'ip6'] as const) {
      for (const name of tableNames) {
        const table = yield* readTable(connection, family, name);
        for (const chain of table?.chains ?? []) {
          rules[family] += chain.end - chain.start + (chain.hook === undefined ? 1 : 0);
          if (chain.hook === undefined) chains.add(`${name} ${chain.name}`);
        }
      }
    }
    return { rules, chains };
  } catch (err) {
    if (err instanceof NetfilterError) return { ...nothing, problem: err };
    throw err;
  }
}
