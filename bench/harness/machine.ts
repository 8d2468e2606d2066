// Where the figures were measured: they mean little without.
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** The real programs and the libraries the floor is built with. */
  readonly versions: Readonly<Record<string, string>>;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.versions.node,
    versions: {
      'iptables-nft': version('iptables-nft', '--version'),
      nft: version('nft', '--version'),
      libnftnl: version('pkg-config', '--modversion', 'libnftnl'),
      libmnl: version('pkg-config', '--modversion', 'libmnl'),
    },
  };
}

function version(file: string, ...args: string[]): string {
  try {
    const printed = execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return /\d+(?:\.\d+)+/.exec(printed)?.[0] ?? 'unknown';
  } catch {
    return 'not found';
  }
}
