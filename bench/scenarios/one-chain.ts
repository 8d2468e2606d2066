// Rules that all differ, in one chain.

export function oneChainRules(size: number): string[] {
  return Array.from({ length: size }, (_, i) => `-s 10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}/32 -j ACCEPT`);
}

export function oneChainText(chain: string, rules: readonly string[]): string {
  const policy = chain === 'INPUT' ? 'ACCEPT' : '-';
  return `*filter\n:${chain} ${policy} [0:0]\n${rules.map((words) => `-A ${chain} ${words}\n`).join('')}COMMIT\n`;
}
