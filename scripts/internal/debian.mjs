// The Debian packages that building and testing need: found, installed when root, named in one line otherwise.
import { existsSync } from 'node:fs';
import { Failure, run, step } from './steps.mjs';

const build = ['g++', 'make', 'cmake', 'ninja-build', 'pkg-config', 'libc6-dev', 'libnftnl-dev', 'libmnl-dev', 'libiptc-dev'];
const test = ['nftables', 'iptables', 'ipset', 'iproute2', 'strace', 'util-linux', 'clang-format', 'python3'];

export async function systemPackages() {
  const wanted = [...build, ...test];
  if (!existsSync('/usr/bin/dpkg-query')) {
    console.warn(`! no dpkg here: what these Debian packages bring must be installed by other means: ${wanted.join(' ')}`);
    return;
  }
  const missing = await notInstalled(wanted);
  if (missing.length === 0) return;
  const args = ['install', '-y', '--no-install-recommends', ...missing];
  if (process.getuid() !== 0) {
    throw new Failure(
      `Debian packages are missing. Install them with this line, then run the command again:\n\n  sudo apt-get ${args.join(' ')}\n`,
    );
  }
  await step(`Debian packages: ${missing.join(' ')}`, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const first = await run('apt-get', args, { env, check: false });
    if (first.code === 0) return;
    // Most likely there are no package lists yet, or they name versions the mirror no longer has.
    await run('apt-get', ['update'], { env });
    await run('apt-get', args, { env });
  });
}

async function notInstalled(names) {
  const { stdout } = await run('dpkg-query', ['-W', '-f=${Package} ${db:Status-Status}\\n', ...names], { check: false });
  const installed = new Set(
    stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  );
  return names.filter((name) => !installed.has(name));
}
