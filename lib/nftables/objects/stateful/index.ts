// Every kind of named object by libnftables-json's name: one table of kinds.
import { connlimit } from './connlimit.ts';
import { counter } from './counter.ts';
import { ctExpectation } from './ct-expectation.ts';
import { ctHelper } from './ct-helper.ts';
import { ctTimeout } from './ct-timeout.ts';
import type { StatefulKind } from './kind.ts';
import { limit } from './limit.ts';
import { quota } from './quota.ts';
import { secmark } from './secmark.ts';
import { synproxy } from './synproxy.ts';
import { tunnel } from './tunnel.ts';

export const statefulKinds = {
  counter,
  quota,
  'ct helper': ctHelper,
  limit,
  connlimit,
  tunnel,
  'ct timeout': ctTimeout,
  secmark,
  'ct expectation': ctExpectation,
  synproxy,
} as const satisfies Readonly<Record<string, StatefulKind>>;

export type StatefulName = keyof typeof statefulKinds;

export function statefulKind(name: string): StatefulKind | undefined {
  return Object.hasOwn(statefulKinds, name) ? statefulKinds[name as StatefulName] : undefined;
}
