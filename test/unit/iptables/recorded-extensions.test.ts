// Extensions as iptables-legacy 1.8.9 took, refused, saved and listed them, with the entries it put into a kernel: a file of
// test/fixtures/iptables/recorded is what the real program did with the cases of some extensions. No kernel took those of CLUSTERIP,
// LED, SECMARK and ULOG, which that one lacks: something in its place kept what the program wrote and gave it back.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { BytesContext, Codec, IpFamily, ListContext } from '../../../lib/iptables/extensions/codec.ts';
import { codecOf, codecOfKernel, codecs, type Extension } from '../../../lib/iptables/extensions/registry.ts';
import { Struct } from '../../../lib/iptables/extensions/struct.ts';
import { contextOf } from '../../../lib/iptables/rule/printer.ts';
import type { RuleSpec } from '../../../lib/iptables/rule-spec.ts';
import { formatRule, normalizeRule, parseRule, parseRules } from '../../../lib/iptables/rule-text.ts';
import { fixture, readFixture } from '../../support/fixtures.ts';
import { bytesContext, extensionsOfEntry, readExtension, revisionOf, writeExtension } from './xt-entry.ts';

interface Recorded {
  readonly family: IpFamily;
  readonly table?: string;
  readonly chain?: string;
  readonly args: readonly string[];
  /** Said by the parser; `kernelRefuses` by the kernel. */
  readonly refused?: string;
  readonly kernelRefuses?: string;
  readonly saved?: string;
  readonly entry?: string;
  /** The rule's line of -L -n, and of -L where that is another. */
  readonly listed?: string;
  readonly listedNames?: string;
}
/** A mask that wasn't given is printed all the same, and given when that is read: the real program makes other bytes of it. */
const hasUnsaidMask = (spec: RuleSpec): boolean =>
  extensionsOf(spec).some(([, e]) => {
    const options: Readonly<Record<string, unknown>> = { ...e };
    if (e.name === 'recent') return options.mask === undefined;
    if (e.name === 'connlimit') return options.connlimitMask === undefined;
    return e.name === 'HMARK' && Array.isArray(options.hmarkTuple) && options.hmarkTuple.some((member) => member !== 'ct');
  });
/** In the order they were made before recording. */
const SETS = ['foo', 'foo2', 'foo6'];
const TCP = 6;
/** Of whose rates the save commands print no more than so many digits. */
const ROUNDED = ['hashlimit', 'limit', 'rateest', 'RATEEST', 'statistic'];
const title = (r: Recorded): string => `${r.family} ${r.args.join(' ')}`;

for (const file of readdirSync(fixture('iptables', 'recorded')).sort()) {
  const recorded = readFixture('iptables', 'recorded', file)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded);

  test(`${file}: refused is what the real program refuses`, () => {
    for (const r of recorded) {
      if (r.refused === undefined) continue;
      assert.throws(() => parseRules(r.args, r.family), { code: 'ERR_RULE_SYNTAX' }, `${title(r)}: ${r.refused}`);
    }
  });

  test(`${file}: taken is what the real program takes, and printed as it saves and lists it`, () => {
    for (const r of recorded) {
      if (r.refused !== undefined) continue;
      const [spec] = parseRules(r.args, r.family);
      assert.ok(spec !== undefined);
      assert.deepEqual(normalizeRule(spec, r.family), spec, title(r));
      if (r.saved === undefined) continue;
      const line = formatRule(spec, r.family);
      assert.equal(line, r.saved, title(r));
      const { counter: _unprinted, ...printed } = spec;
      assert.deepEqual(formatRule(parseRule(line, r.family), r.family), line, title(r));
      if (!hasUnsaidMask(spec)) assert.deepEqual(parseRule(line, r.family), printed, title(r));
      for (const [numeric, listed] of [
        [true, r.listed],
        [false, r.listedNames],
      ] as const) {
        if (listed === undefined) continue;
        const text = listText(spec, { ...contextOf(spec, r.family), numeric });
        const destination = destinationColumn(spec, r.family, numeric);
        assert.equal(listed.slice(listed.lastIndexOf(destination)), destination + text, `${title(r)}: -L${numeric ? ' -n' : ''}`);
      }
    }
  });

  test(`${file}: the structs have the bytes of the real program, and read back as the same options`, () => {
    for (const r of recorded) {
      if (r.entry === undefined) continue;
      const [spec] = parseRules(r.args, r.family);
      const c = bytesContext(r.family, SETS);
      const { matches, target } = extensionsOfEntry(Buffer.from(r.entry, 'hex'), r.family);
      const own: { kind: 'match' | 'target'; options: Extension }[] = (spec?.matches ?? []).map((options) => ({ kind: 'match', options }));
      if (spec?.target !== undefined && 'name' in spec.target && codecOf('target', spec.target.name, r.family) !== undefined)
        own.push({ kind: 'target', options: spec.target });
      const kernel = target === undefined ? matches : [...matches, target];
      assert.equal(kernel.length, own.length, title(r));
      for (const [i, e] of kernel.entries()) {
        const { kind, options } = own[i] as (typeof own)[number];
        // The kernel's own bytes too, which it gives as the program wrote them.
        const written = writeExtension(kind, options, e.revision, e.data.length, c);
        assert.equal(Buffer.from(written).toString('hex'), Buffer.from(e.data).toString('hex'), title(r));
        assert.deepEqual(readExtension(kind, e, c), options, title(r));
      }
    }
  });

  test(`${file}: every revision that can say a rule reads back what it wrote`, () => {
    for (const r of recorded) {
      if (r.refused !== undefined) continue;
      const c = bytesContext(r.family, SETS);
      const [spec] = parseRules(r.args, r.family);
      for (const [kind, options] of extensionsOf(spec)) {
        const codec = codecOf(kind, options.name, r.family);
        if (codec === undefined) continue;
        const { name, ...others } = options;
        for (const { revision, family, size, can } of codec.revisions) {
          if ((family ?? r.family) !== r.family || can?.(others) === false) continue;
          const data = writeExtension(kind, options, revision, (size + 7) & ~7, c);
          const back = readExtension(kind, { name: codec.kernelName ?? name, revision, data }, c);
          assert.deepEqual(back, options, `${title(r)}: revision ${revision}`);
        }
      }
    }
  });
}

test('no extension reads random bytes into what it cannot print, or fails otherwise than by saying so', () => {
  for (const codec of codecs) {
    for (const { revision, family = 'ip', size } of codec.revisions) {
      for (let seed = 1; seed < 200; seed++) randomStruct(codec, codec.family ?? family, revision, (size + 7) & ~7, seed);
    }
  }
});

function randomStruct(codec: Codec, family: IpFamily, revision: number, size: number, seed: number): void {
  let state = seed;
  const data = new Uint8Array(size).map(() => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    const byte = (state >> 16) & 0xff;
    return seed % 3 === 0 ? byte & 3 : byte;
  });
  const c = bytesContext(family, SETS);
  const name = codec.kernelName ?? codec.name;
  if (codecOfKernel(codec.kind, name, revision, data, family) !== codec) return;
  let options: Record<string, unknown>;
  try {
    options = readExtension(codec.kind, { name, revision, data }, c);
  } catch (err) {
    assert.equal((err as Error).constructor.name, 'ValueError', `${codec.name} ${revision}: ${String(err)}`);
    return;
  }
  const spec = (codec.kind === 'match' ? { matches: [options] } : { target: options }) as unknown as RuleSpec;
  // What was read says what it says as text too: printed, parsed and written it has the same meaning in the kernel.
  const protocol = codec.protocols?.[0] ?? TCP;
  const about = `${codec.name} ${revision} ${Buffer.from(data).toString('hex')}`;
  let line = '';
  try {
    line = formatRule({ protocol, ...spec } as RuleSpec, family);
    const [same] = parseRules(line, family) as [RuleSpec];
    assert.equal(formatRule(same, family), line);
    const [, again] = extensionsOf(same)[0] as [unknown, Extension];
    if (!ROUNDED.includes(codec.name)) assert.equal(meaning(codec, revision, again, c), meaning(codec, revision, options, c));
  } catch (err) {
    assert.fail(`${about}: ${line}: ${String(err)}`);
  }
  const words = listText(spec, { family, protocol: codec.protocols?.[0] ?? 0, protocolInverted: false, numeric: true });
  assert.equal(typeof words, 'string');
}

/** The struct of some options, what means the same made the same. */
function meaning(codec: Codec, number: number, options: object, c: BytesContext): string {
  const { size, write, canonical } = revisionOf(codec, number, c.family);
  const s = new Struct(new Uint8Array((size + 7) & ~7));
  write(options as Record<string, unknown>, s, c);
  canonical?.(s);
  return Buffer.from(s.bytes).toString('hex');
}

function extensionsOf(spec: RuleSpec | undefined): ['match' | 'target', Extension][] {
  const out: ['match' | 'target', Extension][] = (spec?.matches ?? []).map((m) => ['match', m]);
  if (spec?.target !== undefined && 'name' in spec.target) out.push(['target', spec.target]);
  return out;
}

function listText(spec: RuleSpec, c: ListContext): string {
  return extensionsOf(spec)
    .map(([kind, { name, ...options }]) => codecOf(kind, name, c.family)?.list?.(options, c) ?? '')
    .join('');
}

/** The last column before the extensions' own text. */
function destinationColumn(spec: RuleSpec, family: IpFamily, numeric: boolean): string {
  const { destination } = spec;
  const text = typeof destination === 'object' ? destination.not : destination;
  const any = numeric ? (family === 'ip' ? '0.0.0.0/0' : '::/0') : 'anywhere';
  return (text?.replace(/\/(32|128)$/, '') ?? any).padEnd(19) + ' ';
}
