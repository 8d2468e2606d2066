// What -h and -V print.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../native.ts';

/** As the real program says it, with our name: scripts look for the backend in brackets. */
export function versionText(backend: 'nft' | 'legacy'): string {
  const file = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { readonly version: string };
  return `nflink v${file.version} (${backend === 'nft' ? 'nf_tables' : 'legacy'})\n`;
}

export const helpText = `Commands: -A chain rule   -C chain rule   -D chain rule   -D chain number   -I chain [number] rule
          -R chain number rule   -L [chain [number]]   -S [chain [number]]   -F [chain]
          -Z [chain [number]]   -N chain   -X [chain]   -E chain name   -P chain ACCEPT|DROP
Options:  -t table   -v   -n   -x   --line-numbers   -c packets bytes   -w [seconds]   -4   -6   -V   -h
Rules:    [!] -p protocol   [!] -s address[/mask][,…]   [!] -d address[/mask][,…]   [!] -i name[+]
          [!] -o name[+]   [!] -f   -m match …   -j target …   -g chain
`;
