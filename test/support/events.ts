// Reading subscriptions in tests: no clock, only what comes.
import assert from 'node:assert/strict';
import {
  type CommitEvent,
  Nftables,
  type NftEvent,
  type NftRule,
  type Ruleset,
  type Subscription,
  type TraceEvent,
} from '../../lib/index.ts';
import { Follower } from '../../lib/nftables/events/follow.ts';
import type { TestNamespace } from './namespace.ts';
import type { NftFixture } from './nft.ts';

export async function nextEvent(events: Subscription<NftEvent>): Promise<NftEvent> {
  const { done, value } = await events.next();
  assert.ok(done !== true, 'the subscription has ended');
  return value as NftEvent;
}

/** A datagram over loopback: bash opens sockets by itself, and that nobody listens is no matter. */
export function sendOverLoopback(ns: TestNamespace, protocol: 'udp' | 'tcp', to: string, port: number): void {
  ns.runSync('bash', ['-c', `echo -n hello > /dev/${protocol}/${to}/${port}`]);
}

export async function nextCommit(events: Subscription<NftEvent>): Promise<CommitEvent> {
  const event = await nextEvent(events);
  assert.equal(event.kind, 'commit');
  return event as CommitEvent;
}

export async function nextTrace(events: Subscription<NftEvent>): Promise<TraceEvent> {
  const event = await nextEvent(events);
  assert.equal(event.kind, 'trace');
  return event as TraceEvent;
}

/** A commit of a table of that name: the mark behind which nothing more is expected. */
export function commitMark(nft: Nftables, name: string): void {
  const tx = nft.transaction();
  tx.add({ table: { family: 'netdev', name } });
  tx.commitSync();
}

/** Everything up to the commit that adds table `name`, without it. */
export async function eventsUntil(events: Subscription<NftEvent>, name: string): Promise<NftEvent[]> {
  const seen: NftEvent[] = [];
  for (;;) {
    const event = await nextEvent(events);
    if (event.kind === 'commit' && event.changes.some(({ object: o }) => 'table' in o && (o.table as { name: string }).name === name)) {
      return seen;
    }
    seen.push(event);
  }
}

type Rules = Iterable<{ readonly handle?: bigint; readonly comment?: string; readonly expressions: unknown }>;
type Chains = Iterable<{ readonly name: string; readonly handle?: bigint; readonly rules: Rules }>;

/** Tables, chains and rules as plain data: what a Follower must know as well as a dump. */
export function picture(state: Ruleset<NftRule> | Follower): unknown {
  const tables: Iterable<{ readonly family: string; readonly name: string; readonly chains: Chains | (() => Chains) }> =
    state instanceof Follower ? state.tables() : state.tables;
  return Array.from(tables, (table) => ({
    table: `${table.family} ${table.name}`,
    chains: Array.from(typeof table.chains === 'function' ? table.chains() : table.chains, (chain) => ({
      name: chain.name,
      handle: chain.handle,
      rules: Array.from(chain.rules, ({ handle, comment, expressions }) => ({
        handle,
        comment,
        expressions,
      })),
    })),
  }));
}

/** A second connection in the fixture's namespace. */
export const secondConnection = (f: NftFixture): Promise<Nftables> => Nftables.open({ netns: f.ns.path });
