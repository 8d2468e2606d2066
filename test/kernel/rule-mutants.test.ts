// Rule lines with mistakes in them, before iptables-legacy-restore and ip6tables-legacy-restore: nflink takes what they take and refuses
// what they refuse, but for the kinds of lines named here, each with the reason and a line that shows it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseRules } from '../../lib/iptables/rule-text.ts';
import { withNamespace } from '../support/namespace.ts';
import { goodRules, hash, mutant, type RuleLine } from '../support/rule-mutants.ts';

/** About so many mutants are judged: starting a program takes its time. */
const JUDGED = 2000;

interface Kind extends RuleLine {
  readonly why: string;
  /** What the side that refuses says. */
  readonly says: RegExp;
}

/** Lines that the real program refuses and nflink takes. */
const onlyOurs: readonly Kind[] = [
  {
    why: 'whether a chain is there is known when the rule is sent',
    family: 'ip',
    text: '-j nowhere',
    says: /Couldn't load target `.*'|goto '.*' is not a chain/,
  },
  {
    why: 'whether a set is there, and of which family, is known when the rule is sent',
    family: 'ip',
    text: '-m set --match-set nowhere src',
    says: /Set .* doesn't exist|doesn't exist/,
  },
  {
    why: 'iptables 1.8.9 reads -ptcp and -jMARK as the word "-ptcp": it takes argv[optind - 1] for optarg',
    family: 'ip',
    text: '-ptcp -j ACCEPT',
    says: /unknown protocol "-p|interface name `-[io]/,
  },
  {
    why: 'the same: the chain "-jMARK" has no options',
    family: 'ip',
    text: '-jMARK --set-mark 1',
    says: /unknown option "--/,
  },
];

/** Lines that nflink refuses and the real program takes. */
const onlyTheirs: readonly Kind[] = [
  {
    why: 'a quote without its other half is a mistake; the real programs end it with the line',
    family: 'ip',
    text: '-m comment --comment "two words -j ACCEPT',
    says: /a quote is opened and not closed/,
  },
  {
    why: '-h prints help and -V the version, -M names modprobe: no rule comes of them',
    family: 'ip',
    text: '-h -j ACCEPT',
    says: /belongs to a command, not to a rule/,
  },
  {
    why: 'iptables-restore leaves out lines for the other family',
    family: 'ip',
    text: '-6 -j ACCEPT',
    says: /-6 is of the other family|-4 is of the other family|cannot have ! before -[46]/,
  },
  {
    why: 'the kernel refuses a match without its protocol, or with another',
    family: 'ip',
    text: '-m tcp -j ACCEPT',
    says: /: needs -p /,
  },
  {
    why: 'the kernel has no such algorithm, and refuses the rule',
    family: 'ip',
    text: '-m string --string a --algo none',
    says: /Unknown --algo/,
  },
  {
    why: 'the kernel refuses rateest without a comparison, or with two',
    family: 'ip',
    text: '-m rateest --rateest RE1 --rateest-bps 8bit',
    says: /one of --rateest-|specify lt\/gt\/eq twice/,
  },
  {
    why: 'the real program cuts what has no room: another rule than was written',
    family: 'ip',
    text: '-m helper --helper 123456789012345678901234567890',
    says: /too long, \d+ bytes are allowed/,
  },
  {
    why: 'inet_aton(3) and DNS read more than addresses',
    family: 'ip',
    text: '-j TEE --gateway 1',
    says: /names are not looked up/,
  },
  {
    why: 'ranges the wrong way round match nothing; the real program does not look in this place',
    family: 'ip6',
    text: '-m ah --ahspi 127:7',
    says: /range .* ends before it begins/,
  },
  {
    why: 'the real program compares only the beginnings of these words, or reads no further than it needs',
    family: 'ip',
    text: '-m dscp --dscp-class CS12',
    says: /Invalid DSCP value|bad rate|is not a valid day|invalid address format|error parsing opt|Bad value:|neither a valid network mask|is no ip network|error at instr/,
  },
  {
    why: 'a number too large for its place is refused; in the real program it overflows to another one',
    family: 'ip',
    text: '-m hashlimit --hashlimit-upto 4294967296mb/s --hashlimit-name r4',
    says: /Rate too high|Bad class value|invalid time|ewmalog value would become/,
  },
  {
    why: 'a ! that stands where the value should is no value',
    family: 'ip',
    text: '-i ! -o eth0 -j ACCEPT',
    says: /it stands before the option it inverts/,
  },
];

interface Judged extends RuleLine {
  /** Undefined: taken. */
  readonly ours?: string;
  readonly theirs?: string;
}

/** What both say to each line; the real programs one after the other, a process each. */
async function judge(lines: readonly RuleLine[]): Promise<Judged[]> {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-mutants-'));
  try {
    for (const [i, { family, text }] of lines.entries()) {
      // A chain of the user's: builtin ones refuse -i or -o as well, and nflink knows of no chain here.
      writeFileSync(join(folder, String(i)), `*filter\n:x - [0:0]\n-A x ${text}\nCOMMIT\n`);
      writeFileSync(join(folder, `${i}.program`), `${family === 'ip' ? 'iptables' : 'ip6tables'}-legacy-restore\n`);
    }
    const loop = `cd ${folder}; i=0; while [ $i -lt ${lines.length} ]; do read program <$i.program; $program --test --noflush <$i >/dev/null 2>$i.err; echo $?; i=$((i+1)); done`;
    const codes = await withNamespace((ns) => ns.must('sh', ['-c', loop], { env: { XTABLES_LOCKFILE: join(folder, 'lock') } }));
    const all = codes.trim().split('\n');
    assert.equal(all.length, lines.length);
    return lines.map((line, i) => {
      const ours = refusal(line);
      const theirs = all[i] === '0' ? undefined : readFileSync(join(folder, `${i}.err`), 'utf8');
      return {
        ...line,
        ...(ours === undefined ? {} : { ours }),
        ...(theirs === undefined ? {} : { theirs: theirs.trim() || `exit code ${all[i]}` }),
      };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function refusal({ family, text }: RuleLine): string | undefined {
  try {
    parseRules(text, family);
    return undefined;
  } catch (err) {
    return (err as Error).message;
  }
}

const kindOf = ({ ours, theirs }: Judged): Kind | undefined =>
  ours === undefined ? onlyOurs.find((k) => k.says.test(theirs ?? '')) : onlyTheirs.find((k) => k.says.test(ours));
const disagree = ({ ours, theirs }: Judged): boolean => (ours === undefined) !== (theirs === undefined);

test(`some ${JUDGED} mutants are taken or refused as the real programs do, but for the kinds named`, async () => {
  const good = goodRules();
  // Half characters have no bytes that could be in a file.
  const lines = good.filter((rule) => hash(`judged ${rule.text}`) % good.length < JUDGED).map((rule) => mutant(rule, 0));
  const judged = await judge(lines.filter(({ text }) => Buffer.from(text).toString() === text));
  const unexplained = judged.filter((j) => disagree(j) && kindOf(j) === undefined);
  assert.deepEqual(unexplained, []);
  const taken = judged.filter((j) => j.theirs === undefined).length;
  assert.ok(
    judged.length > JUDGED * 0.9 && taken > judged.length / 20 && taken < judged.length / 2,
    `${taken} of ${judged.length} were taken`,
  );
  const apart = judged.filter(disagree).length;
  // The rule, not the exceptions.
  assert.ok(apart < judged.length / 20, `${apart} of ${judged.length} are taken by one side only`);
});

test('each kind is needed: its own line is taken by one side only, and the other says so', async () => {
  for (const [kinds, side] of [
    [onlyOurs, 'theirs'],
    [onlyTheirs, 'ours'],
  ] as const) {
    const judged = await judge(kinds);
    for (const [i, kind] of kinds.entries()) {
      const j = judged[i] as Judged;
      assert.ok(disagree(j), `${kind.why}: ${kind.text}: ${JSON.stringify(j)}`);
      assert.match(j[side] ?? '', kind.says, kind.why);
      assert.equal(kindOf(j), kind, kind.why);
    }
  }
});
