// What the nf_tables backend of iptables works with.
import type { Connection } from '../../connection.ts';
import { RuleContext } from '../context.ts';
import type { Codec, IpFamily } from '../extensions/codec.ts';
import { KnownChains } from './known-chains.ts';
import { nativeTargets } from './native-targets.ts';
import { compatRevisions } from './revisions.ts';

export class CompatContext extends RuleContext {
  readonly known: KnownChains = new KnownChains();

  constructor(connection: Connection, family: IpFamily) {
    super(connection, family, 'nft', compatRevisions(connection, family));
  }

  protected override needsRevision(codec: Codec): boolean {
    return codec.kind === 'match' || !nativeTargets.has(codec.name);
  }
}
