// Targets that iptables-nft writes as nf_tables' own expressions: NFLOG and TRACE (nft.c add_action, nft_parse_log).
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import { Struct } from '../extensions/struct.ts';
import { NFLOG as INFO } from '../extensions/target-nflog.ts';
import { type XtExtension, xtAlign } from '../xt-rule.ts';

/** iptables-nft's: NFT_REG32_01. */
const TRACE_REG = 9;
export const TRACE: XtExtension = { name: 'TRACE', revision: 0, data: new Uint8Array(0) };

/** The names of targets that are never asked for in the kernel: they have no xtables form here. */
export const nativeTargets: ReadonlySet<string> = new Set(['NFLOG', 'TRACE']);

/** The native form, or undefined where the target stays one. */
export function nativeTarget(t: XtExtension): AnyExpression[] | undefined {
  if (t.revision !== 0) return undefined;
  if (t.name === 'TRACE') {
    return [
      { type: 'immediate', dreg: TRACE_REG, data: Uint8Array.of(1) },
      { type: 'meta', key: 'nftrace', sreg: TRACE_REG },
    ];
  }
  return t.name === 'NFLOG' ? [log(new Struct(t.data))] : undefined;
}

/** --nflog-range has never worked and has no place here, as in iptables-nft. */
function log(s: Struct): AnyExpression {
  const prefix = s.text(INFO.prefix, s.bytes.length - INFO.prefix);
  const threshold = s.u16(INFO.threshold);
  return {
    type: 'log',
    ...(prefix === '' ? {} : { prefix }),
    group: s.u16(INFO.group),
    ...((s.u16(INFO.flags) & INFO.COPY_LEN) === 0 ? {} : { snaplen: s.u32(INFO.length) }),
    ...(threshold === 0 ? {} : { qthreshold: threshold }),
  };
}

/** A log to a netlink group is NFLOG; one to the kernel log is nothing iptables has. */
export function nflogTarget(e: AnyExpression): XtExtension | undefined {
  if (e['group'] === undefined || e['level'] !== undefined || e['flags'] !== undefined) return undefined;
  const s = new Struct(new Uint8Array(xtAlign(INFO.size)));
  s.setU16(INFO.group, e['group'] as number);
  s.setU16(INFO.threshold, (e['qthreshold'] as number | undefined) ?? 0);
  s.setText(INFO.prefix, INFO.size - INFO.prefix, (e['prefix'] as string | undefined) ?? '');
  if (e['snaplen'] !== undefined) {
    s.setU32(INFO.length, e['snaplen'] as number);
    s.setU16(INFO.flags, INFO.COPY_LEN);
  }
  return { name: 'NFLOG', revision: 0, data: s.bytes };
}
