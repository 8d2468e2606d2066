// Compiles the programs of bench/floor: C against the system's libraries, the least the interface allows.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Compiles `bench/floor/<name>.c` into `folder` and gives the program's path. `env` is the compiler's. */
export async function compileFloor(name: string, folder: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const program = join(folder, name);
  const { stdout } = await exec('pkg-config', ['--cflags', '--libs', 'libnftnl', 'libmnl', 'libip4tc'], { env });
  const flags = stdout.trim().split(/\s+/);
  await exec('gcc', ['-O2', '-std=gnu17', '-Wall', '-Wextra', '-Werror', '-o', program, join(sources(), `${name}.c`), ...flags], { env });
  return program;
}

/** bench/floor of the package, from wherever this file was compiled to. */
function sources(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return join(folder, 'bench', 'floor');
}
