// The options that need no extension (iptables.c, xshared.c), and the checks of their values.
import { ValueError } from '../extensions/codec.ts';
import { fits } from '../extensions/values.ts';

/** What a base option is told apart by: its letter. `command` is one that belongs to a command, not to a rule. */
export type BaseOption = 'p' | 's' | 'd' | 'i' | 'o' | 'f' | 'c' | 'm' | 'j' | 'g' | '4' | '6' | 'command';
/** Commands that save text may hold (iptables-restore(8) calls the same parser as iptables). */
export type CommandLetter = 'A' | 'D' | 'I' | 'R' | 'F' | 'N' | 'X' | 'E' | 'P';

/** Commands and options of commands, by long name. */
const commands: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ append: 'A', delete: 'D', check: 'C', insert: 'I', replace: 'R', list: 'L', 'list-rules': 'S', flush: 'F', zero: 'Z' },
    ...{ 'new-chain': 'N', 'delete-chain': 'X', 'rename-chain': 'E', policy: 'P', table: 't', numeric: 'n', verbose: 'v', wait: 'w' },
    ...{ 'wait-interval': 'W', exact: 'x', version: 'V', help: 'h', 'line-numbers': '0', modprobe: 'M' },
  }),
);

/** The command of an option, by its letter or long name; undefined for one that save text may not hold. */
export function commandLetter(name: string): CommandLetter | undefined {
  const letter = name.length === 1 ? name : commands.get(name);
  return letter !== undefined && 'ADIRFNXEP'.includes(letter) ? (letter as CommandLetter) : undefined;
}

export const longOptions: ReadonlyMap<string, BaseOption> = new Map<string, BaseOption>([
  ['protocol', 'p'],
  ['source', 's'],
  ['src', 's'],
  ['destination', 'd'],
  ['dst', 'd'],
  ['in-interface', 'i'],
  ['out-interface', 'o'],
  ['fragments', 'f'],
  ['set-counters', 'c'],
  ['match', 'm'],
  ['jump', 'j'],
  ['goto', 'g'],
  ['ipv4', '4'],
  ['ipv6', '6'],
  ...[...commands.keys()].map((long): [string, BaseOption] => [long, 'command']),
]);

export const letters: ReadonlyMap<string, BaseOption> = new Map<string, BaseOption>([
  ...(['p', 's', 'd', 'i', 'o', 'f', 'c', 'm', 'j', 'g', '4', '6'] as const).map((letter): [string, BaseOption] => [letter, letter]),
  ...[...'ADCIRLSFZNXEPtnvwWxVhM'].map((letter): [string, BaseOption] => [letter, 'command']),
]);

export function takesValue(option: BaseOption): boolean {
  return option !== 'f' && option !== '4' && option !== '6';
}

/** IFNAMSIZ without its NUL. */
const INTERFACE_BYTES = 15;

export function checkInterface(name: string): void {
  if (name === '') throw new ValueError('Empty interface is likely to be undesired');
  if (name.includes('\0')) throw new ValueError('an interface name holds no NUL');
  if (!fits(name, INTERFACE_BYTES)) {
    throw new ValueError(`interface name \`${name}' must be shorter than 16 characters`);
  }
}

/** XT_EXTENSION_MAXNAMELEN without its NUL. */
const TARGET_BYTES = 28;

/** xt_parse_target, and that no chain's name may begin with - or !. */
export function checkTarget(name: string): void {
  if (name === '') throw new ValueError('Invalid target name (too short)');
  if (!fits(name, TARGET_BYTES)) {
    throw new ValueError(`Invalid target name \`${name}' (${TARGET_BYTES} chars max)`);
  }
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    if (code === 32 || (code >= 9 && code <= 13) || code === 0) throw new ValueError(`Invalid target name \`${name}'`);
  }
  if (name.startsWith('-') || name.startsWith('!'))
    throw new ValueError(`chain name not allowed to start with \`${name.charAt(0)}': "${name}"`);
}

const U64_MAX = 0xffffffffffffffffn;

export function counterNumber(word: string): bigint | undefined {
  if (word === '' || word.length > 20) return undefined;
  for (let i = 0; i < word.length; i++) if (word.charCodeAt(i) < 48 || word.charCodeAt(i) > 57) return undefined;
  const n = BigInt(word);
  return n <= U64_MAX ? n : undefined;
}

export const standardTargets: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE']);

/**
 * Targets of iptables: where no codec knows one, its name must not be taken for a chain's, which a rule with options of the target would
 * never mean.
 */
export const iptablesTargets: ReadonlySet<string> = new Set(
  (
    'AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DNPT DSCP ECN HL HMARK IDLETIMER LED LOG MARK MASQUERADE NETMAP ' +
    'NFLOG NFQUEUE NOTRACK RATEEST REDIRECT REJECT SECMARK SET SNAT SNPT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL ULOG'
  ).split(' '),
);
