// match and target: an xtables extension run by nft_compat (enum nft_match_attributes, enum nft_target_attributes).
// `info` is the struct xt_*_info of that name and revision, in host byte order as xtables has it.
import { be32, bytes, string } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { expression } from './expression.ts';

/** XT_EXTENSION_MAXNAMELEN is 29 with its NUL. */
const XT_NAME_MAX = 28;

const shape = {
  name: required(1, string(XT_NAME_MAX)),
  rev: required(2, be32),
  info: required(3, bytes()),
};

export const match = expression('match', shape);
export const target = expression('target', shape);
