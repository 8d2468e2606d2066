// What the C programs of bench/floor say about the rules in a namespace; also the judge of every other column's work.
import type { PrivateNamespace } from './namespace.ts';
import type { Tools } from './scenario.ts';

export interface FloorSend {
  readonly ms: number;
  readonly errors: number;
}
export interface FloorDump {
  readonly ms: number;
  readonly rules: number;
  /** Of the messages. */
  readonly bytes: number;
}

export interface FloorEntries {
  readonly ms: number;
  readonly entries: number;
  readonly bytes: number;
}

export async function floorSend(ns: PrivateNamespace, tools: Tools, batchFile: string): Promise<FloorSend> {
  return JSON.parse((await ns.must(await tools.floor('send-batch'), [batchFile], { output: true })).stdout) as FloorSend;
}

/** Dumps the rules `warmUps` times, and once more on the clock. */
export async function floorDump(ns: PrivateNamespace, tools: Tools, warmUps = 0): Promise<FloorDump> {
  return JSON.parse((await ns.must(await tools.floor('dump-rules'), [String(warmUps)], { output: true })).stdout) as FloorDump;
}

/** As floorDump, one chain after the other: the cheaper way where there are many. */
export async function floorDumpChains(ns: PrivateNamespace, tools: Tools, warmUps = 0): Promise<FloorDump> {
  return JSON.parse((await ns.must(await tools.floor('dump-rules'), [String(warmUps), 'chains'], { output: true })).stdout) as FloorDump;
}

/** Reads legacy tables `warmUps` times, and once more on the clock. */
export async function floorEntries(ns: PrivateNamespace, tools: Tools, tables: readonly string[], warmUps = 0): Promise<FloorEntries> {
  const program = await tools.floor('get-entries');
  return JSON.parse((await ns.must(program, [String(warmUps), ...tables], { output: true })).stdout) as FloorEntries;
}

/** Throws unless the kernel holds this many rules. */
export async function mustHold(ns: PrivateNamespace, tools: Tools, rules: number, who: string): Promise<void> {
  const found = (await floorDump(ns, tools)).rules;
  if (found !== rules) throw new Error(`${who}: the kernel holds ${found} rules afterwards, ${rules} are right`);
}

/**
 * The entries of a rule set in legacy tables: one a rule, the end of each chain, the head of each user chain, and the ERROR entry that
 * ends each table.
 */
export function entriesOf(set: { readonly rules: number; readonly chains: number }, builtin: number, tables: number): number {
  return set.rules + set.chains + (set.chains - builtin) + tables;
}

/** What the file of commands says on a legacy table, after reading `tables`. */
export async function floorChange(
  ns: PrivateNamespace,
  tools: Tools,
  file: string,
  table: string,
  tables: readonly string[],
): Promise<{ readonly ms: number; readonly commands: number }> {
  const ran = await ns.must(await tools.floor('change-table'), [file, table, ...tables], { output: true });
  return JSON.parse(ran.stdout) as { ms: number; commands: number };
}
