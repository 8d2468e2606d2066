// What rules are built with: one function an expression, named as the kernel names it. Registers default to NFT_REG_1,
// which is what a rule that loads and compares one thing at a time needs; verdicts go to register 0 (NFT_REG_VERDICT).
export * from './builders/actions.ts';
export * from './builders/loads.ts';
export * from './builders/registers.ts';
export * from './builders/stateful.ts';
export { be16, be32, be64, ether, host16, host32, host64, ifname, ipv4, ipv6, name16, u8 } from './values.ts';
