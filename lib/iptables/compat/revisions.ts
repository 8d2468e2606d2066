// Revisions of extensions as nft_compat tells them (NFNL_MSG_COMPAT_GET, enum nfnl_compat_attributes_type).
import type { Connection } from '../../connection.ts';
import { NetfilterError } from '../../errors.ts';
import { families, NFNL_SUBSYS_NFT_COMPAT } from '../../nftables/objects/messages.ts';
import { request } from '../../nftables/read.ts';
import { be32, string, words } from '../../wire/kinds.ts';
import { attributes, required } from '../../wire/table.ts';
import { AttributeWriter } from '../../wire/writer.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { Revisions } from '../revisions.ts';

const NFNL_MSG_COMPAT_GET = 0;
const compatTable = attributes({
  name: required(1, string(28)),
  rev: required(2, be32),
  type: required(3, words(be32, { match: 0, target: 1 })),
});

export function compatRevisions(connection: Connection, family: IpFamily): Revisions {
  return new Revisions(family, function* (codec, rev) {
    const w = new AttributeWriter(64);
    compatTable.encode(w, { name: codec.kernelName ?? codec.name, rev, type: codec.kind });
    const type = (NFNL_SUBSYS_NFT_COMPAT << 8) | NFNL_MSG_COMPAT_GET;
    try {
      yield* request(connection, `${codec.kind} ${codec.name}`, type, families[family], w.written());
      return true;
    } catch (err) {
      // There is one, of other revisions (xt_find_revision).
      if (err instanceof NetfilterError && err.code === 'EPROTONOSUPPORT') return false;
      throw err;
    }
  });
}
