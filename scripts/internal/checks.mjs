// What is checked without running anything: lint and format of TypeScript, JavaScript and JSON, format of C++.
import { all, bin, filesUnder, run, step } from './steps.mjs';

export async function checks() {
  await all([
    step('biome: lint, format, imports', () => run(bin('biome'), ['check', '--error-on-warnings', '.'])),
    step('oxlint: promises, exhaustive switches', () => run(bin('oxlint'), ['--type-aware', '--deny-warnings'])),
    step('clang-format', clangFormat),
  ]);
}

async function clangFormat() {
  const files = filesUnder(['native', 'test', 'bench'], (file) => /\.(cc|c|h)$/.test(file));
  if (files.length > 0) await run('clang-format', ['--dry-run', '-Werror', ...files]);
}
