// What the nf_tables backend of iptables works with.
import type { Connection } from '../../connection.ts';
import { RuleContext } from '../context.ts';
import type { Codec, IpFamily } from '../extensions/codec.ts';
import { nativeTargets } from './native-targets.ts';
import { compatRevisions } from './revisions.ts';

export class CompatContext extends RuleContext {
  /** `table chain` of builtin chains seen to be iptables' own: they are not looked at again before every command. */
  readonly knownChains = new Set<string>();

  constructor(connection: Connection, family: IpFamily) {
    super(connection, family, 'nft', compatRevisions(connection, family));
  }

  protected override needsRevision(codec: Codec): boolean {
    return codec.kind === 'match' || !nativeTargets.has(codec.name);
  }
}
