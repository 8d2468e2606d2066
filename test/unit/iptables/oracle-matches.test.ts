// The netfilter project's cases for base options and matches: accepted or refused as the real programs do, saved as they save, and with
// the bytes they put into the kernel.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect, isDeepStrictEqual } from 'node:util';
import { RuleSyntaxError } from '../../../lib/errors.ts';
import { codecOf } from '../../../lib/iptables/extensions/registry.ts';
import { formatRule, parseRule } from '../../../lib/iptables/rule-text.ts';
import { splitWords } from '../../../lib/iptables/words.ts';
import { type Case, type Outcome, oracleCases } from '../../support/oracle.ts';
import { bytesContext, comparable, matchesOfEntry, readMatch, writeMatch } from './xt-entry.ts';

const builtin = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE']);
/** Only extensions nflink has. */
function known({ rule, family, source }: Case): boolean {
  const words = splitWords(rule).map((w) => w.text);
  let some = ['iptables.t', 'ip6tables.t', 'libxt_standard.t', 'libipt_standard.t', 'libip6t_standard.t'].includes(source);
  for (const [i, word] of words.entries()) {
    const name = words[i + 1] ?? '';
    if (word === '-m') {
      if (codecOf('match', name, family) === undefined) return false;
      some = true;
    }
    if (word === '-j' && !builtin.has(name) && codecOf('target', name, family) === undefined) return false;
  }
  return some || source === 'libxt_multiport.t';
}

/** A refusal of the kernel, which no parser can make. */
function byKernel(o: Outcome): boolean {
  return o.rc === 4 || o.rc === 1 || (o.stderr ?? '').includes('RULE_APPEND failed');
}

test("the cases' rules are accepted, refused and saved as by the real programs", (t) => {
  const cases = oracleCases(t);
  if (cases === undefined) return;
  let compared = 0;
  let bytes = 0;
  const wrong: string[] = [];
  for (const c of cases) {
    if (!known(c) || !c.legacy.supported_here || !c.nft.supported_here) continue;
    // The set of this case doesn't exist, which a parser doesn't ask.
    if (c.source === 'libxt_set.t') continue;
    compared++;
    const where = `${c.source}:${c.line} ${c.family} "${c.rule}"`;
    const accepted = c.legacy.rc === 0 || (byKernel(c.legacy) && (c.nft.rc === 0 || byKernel(c.nft)));
    try {
      const spec = parseRule(c.rule, c.family);
      if (!accepted) {
        wrong.push(`${where}: accepted, the real programs say ${c.legacy.stderr}`);
        continue;
      }
      if (c.legacy.rc !== 0) continue;
      const line = formatRule(spec, c.family);
      const saved = [c.legacy.saved, c.legacy.saved_1_8_9].map((s) => s?.slice(`-A ${c.chain} `.length));
      if (!saved.includes(line)) wrong.push(`${where}: "${line}" instead of "${saved[0]}"`);
      if (c.legacy.xt_entry === undefined) continue;
      const context = bytesContext(c.family);
      const matches = matchesOfEntry(Buffer.from(c.legacy.xt_entry, 'hex'), c.family);
      assert.equal(matches.length, spec.matches?.length ?? 0, where);
      for (const [i, match] of matches.entries()) {
        const options = spec.matches?.[i] as { readonly name: string };
        const own = { ...match, data: writeMatch(options, match.revision, match.data.length, context) };
        bytes++;
        if (comparable(own, c.family) !== comparable(match, c.family)) {
          wrong.push(`${where}: ${match.name}\n  ${comparable(own, c.family)}\n  ${comparable(match, c.family)}`);
        }
        const back = readMatch(match, context);
        if (!isDeepStrictEqual(back, options)) wrong.push(`${where}: read back as ${inspect(back)}, not ${inspect(options)}`);
      }
    } catch (err) {
      if (!(err instanceof RuleSyntaxError)) throw err;
      if (accepted) wrong.push(`${where}: refused: ${err.message}`);
    }
  }
  t.diagnostic(`${compared} of ${cases.length} cases compared, ${bytes} structs`);
  assert.deepEqual(wrong, []);
  assert.ok(compared > 400 && bytes > 200);
});
