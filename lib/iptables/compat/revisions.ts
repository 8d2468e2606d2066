// Revisions of extensions as nft_compat tells them (NFNL_MSG_COMPAT_GET, enum nfnl_compat_attributes_type).
import type { Connection } from '../../connection.ts';
import { families, NFNL_SUBSYS_NFT_COMPAT } from '../../nftables/objects/messages.ts';
import { request } from '../../nftables/read.ts';
import { findAttribute, be32 as readBe32, readMessage } from '../../wire/attributes.ts';
import { be32, string, words } from '../../wire/kinds.ts';
import { attributes, required } from '../../wire/table.ts';
import { AttributeWriter } from '../../wire/writer.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { Revisions } from '../revisions.ts';

const NFNL_MSG_COMPAT_GET = 0;
const NFTA_COMPAT_REV = 2;
const compatTable = attributes({
  name: required(1, string(28)),
  rev: required(NFTA_COMPAT_REV, be32),
  type: required(3, words(be32, { match: 0, target: 1 })),
});

export function compatRevisions(connection: Connection, family: IpFamily): Revisions {
  return new Revisions(function* (codec) {
    const w = new AttributeWriter(64);
    const ours = Math.max(...codec.revisions.map((r) => r.revision));
    compatTable.encode(w, { name: codec.kernelName ?? codec.name, rev: ours, type: codec.kind });
    const type = (NFNL_SUBSYS_NFT_COMPAT << 8) | NFNL_MSG_COMPAT_GET;
    const data = yield* request(connection, `${codec.kind} ${codec.name}`, type, families[family], w.written());
    const message = readMessage(data, 0);
    const found = findAttribute(data, message.start, message.end, NFTA_COMPAT_REV);
    return found === undefined ? ours : readBe32(data, found[0]);
  });
}
