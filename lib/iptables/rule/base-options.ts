// The options that need no extension (iptables.c, xshared.c): commands, options of a rule and settings, and the checks of their values.
import { ValueError } from '../extensions/codec.ts';
import { oneLine } from '../extensions/option-values.ts';
import { fits } from '../extensions/values.ts';

/** Commands by their letters. */
export type CommandLetter = 'A' | 'C' | 'D' | 'I' | 'R' | 'L' | 'S' | 'F' | 'Z' | 'N' | 'X' | 'E' | 'P';
/** Options that say what a rule is. */
export type RuleOption = 'p' | 's' | 'd' | 'i' | 'o' | 'f' | 'c' | 'm' | 'j' | 'g' | '4' | '6';
/** Options of a command line: the table, what a listing shows, and what concerns the program. 0 is --line-numbers. */
export type SettingLetter = 't' | 'n' | 'v' | 'x' | '0' | 'w' | 'W' | 'V' | 'h' | 'M';
export type BaseOption = RuleOption | CommandLetter | SettingLetter;

const COMMANDS = 'ACDIRLSFZNXEP';
const RULE_OPTIONS = 'psdiofcmjg46';
export function isCommand(option: BaseOption): option is CommandLetter {
  return COMMANDS.includes(option);
}
export function isRuleOption(option: BaseOption): option is RuleOption {
  return RULE_OPTIONS.includes(option);
}

export const longOptions: ReadonlyMap<string, BaseOption> = new Map<string, BaseOption>([
  ...Object.entries({
    ...({ append: 'A', delete: 'D', check: 'C', insert: 'I', replace: 'R', list: 'L', 'list-rules': 'S', flush: 'F' } as const),
    ...({ zero: 'Z', 'new-chain': 'N', 'delete-chain': 'X', 'rename-chain': 'E', policy: 'P', table: 't', numeric: 'n' } as const),
    ...({
      verbose: 'v',
      wait: 'w',
      'wait-interval': 'W',
      exact: 'x',
      version: 'V',
      help: 'h',
      'line-numbers': '0',
      modprobe: 'M',
    } as const),
    ...({ protocol: 'p', source: 's', src: 's', destination: 'd', dst: 'd', 'in-interface': 'i', 'out-interface': 'o' } as const),
    ...({ fragments: 'f', 'set-counters': 'c', match: 'm', jump: 'j', goto: 'g', ipv4: '4', ipv6: '6' } as const),
  }),
]);

export const letters: ReadonlyMap<string, BaseOption> = new Map(
  [...new Set(longOptions.values())].filter((letter) => letter !== '0').map((letter): [string, BaseOption] => [letter, letter]),
);

/** Whether the option's value is part of its word or the word after it; 'attached': the former only, or it has none. */
export function valueKind(option: BaseOption): 'none' | 'needed' | 'attached' {
  if ('fnvx0V46'.includes(option)) return 'none';
  return 'LSFZXwWh'.includes(option) ? 'attached' : 'needed';
}

/** Options that the command does not take, -g as j and -m among them, which the real programs read and forget (commands_v_options). */
export function refusedOptions(command: CommandLetter, byNumber: boolean): string {
  switch (command) {
    case 'A':
    case 'I':
    case 'R':
      return 'nx0';
    case 'C':
      return 'nx0c';
    case 'D':
      return byNumber ? 'nsdpjmxio0cf' : 'nx0c';
    case 'L':
      return 'sdpjmiocf';
    case 'P':
      return 'nsdpjmxio0f';
    default:
      return 'nsdpjmxio0cf';
  }
}

/** IFNAMSIZ without its NUL. */
const INTERFACE_BYTES = 15;

export function checkInterface(name: string): void {
  if (name === '') throw new ValueError('Empty interface is likely to be undesired');
  if (name.includes('\0')) throw new ValueError('an interface name holds no NUL');
  oneLine(name);
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
