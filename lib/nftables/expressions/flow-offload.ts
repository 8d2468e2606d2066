// flow_offload: puts the packet's connection in a flow table (enum nft_offload_attributes; nft_flow_offload.c).
import { string } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { NAME_MAX } from './data.ts';
import { expression } from './expression.ts';

export const flowOffload = expression('flow_offload', {
  flowtable: required(1, string(NAME_MAX)),
});
