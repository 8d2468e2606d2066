// What users get: the packed package, installed into an empty project without running scripts, loaded from its prebuild.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { prebuild } from './prebuild.mjs';
import { privateNetns } from './private-netns.mjs';
import { Failure, root, run } from './steps.mjs';

export async function checkPackage() {
  await prebuild();
  const dir = mkdtempSync(join(tmpdir(), 'nflink-pack-'));
  try {
    const packed = await pack('.', dir);
    checkContents(packed.files.map((file) => file.path));
    // The dependency comes from node_modules, so that no registry is asked.
    const dependency = await pack('./node_modules/node-gyp-build', dir);
    writeFileSync(join(dir, 'package.json'), '{ "name": "consumer", "version": "1.0.0", "private": true }\n');
    const tarballs = [packed, dependency].map(({ filename }) => join(dir, filename));
    await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs], { cwd: dir });
    await load(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

async function pack(folder, destination) {
  const { stdout } = await run('npm', ['pack', folder, '--json', '--ignore-scripts', '--pack-destination', destination]);
  const listed = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
  return Array.isArray(listed) ? listed[0] : Object.values(listed)[0];
}

function checkContents(files) {
  const prebuilds = readdirSync(join(root, 'prebuilds'), { recursive: true, withFileTypes: true });
  const binaries = prebuilds.filter((entry) => entry.isFile()).map((entry) => `prebuilds/linux-${process.arch}/${entry.name}`);
  const wanted = [
    'LICENSE',
    'README.md',
    'package.json',
    'CHANGELOG.md',
    'docs/objects.md',
    'binding.gyp',
    'CMakeLists.txt',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/prometheus/index.js',
    'dist/prometheus/index.d.ts',
    ...binaries,
  ];
  const missing = wanted.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Failure(`the packed package lacks ${missing.join(', ')}`);
  const strange = files.filter((file) => !/^(dist|docs|lib|native|prebuilds)\/|^[A-Za-z.]+$/.test(file));
  if (strange.length > 0) throw new Failure(`the packed package carries what it shouldn't: ${strange.join(', ')}`);
}

// Loaded as ES module and by require(); a name from the addon itself proves that the prebuild was found. PREBUILDS_ONLY
// keeps node-gyp-build from looking for a local build.
async function load(dir) {
  const program = `
    const { readFileSync } = await import('node:fs');
    const nflink = await import('nflink');
    const { createRequire } = await import('node:module');
    const required = createRequire(process.cwd() + '/')('nflink');
    if (required.Nftables !== nflink.Nftables) throw new Error('require() gives another module than import');
    // Without prom-client, which is the user's to install.
    const { NetfilterCollector } = await import('nflink/prometheus');
    if (typeof NetfilterCollector !== 'function') throw new Error('nflink/prometheus has no NetfilterCollector');
    const nft = await nflink.Nftables.open();
    await nft.close();
    const maps = readFileSync('/proc/self/maps', 'utf8').split('\\n').map((line) => line.split(/ +/)[5] ?? '');
    const loaded = new Set(maps.filter((file) => /nflink.*\\.node$|libnftnl|libmnl|libip[46]tc/.test(file)));
    console.log(JSON.stringify([...loaded]));`;
  const env = { ...process.env, PREBUILDS_ONLY: '1' };
  delete env.NFLINK_ADDON;
  const netns = await privateNetns();
  const node = [process.execPath, '--input-type=module', '-e', program];
  const { stdout } = await run(netns.command, [...netns.prefix, ...node], { cwd: dir, env });
  const loaded = JSON.parse(stdout.trim().split('\n').at(-1));
  if (!loaded.some((file) => file.endsWith('/nflink.glibc.node')))
    throw new Failure(`the prebuild was not loaded, but ${loaded.join(' ')}`);
  const outside = loaded.filter((file) => !file.startsWith(join(dir, 'node_modules/nflink/prebuilds/')));
  if (outside.length > 0) throw new Failure(`loaded from outside the package: ${outside.join(', ')}`);
}
