// The prebuilt addon of this machine's architecture, with the netfilter libraries beside it: prebuilds/linux-<arch>/.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inSourceCopy, nativeExtra, nativeSources } from './native.mjs';
import { bin, remembered, root, run } from './steps.mjs';

const folder = `prebuilds/linux-${process.arch}`;

/** Makes the prebuild unless it is there and nothing changed since. Resolves to whether it was made. */
export const prebuild = () =>
  remembered('prebuild', { inputs: nativeSources, extra: nativeExtra(), outputs: [`${folder}/nflink.glibc.node`] }, () =>
    inSourceCopy(async (dir) => {
      // prebuildify calls "node-gyp"; the wrapper builds with cmake-js instead and puts the libraries beside the addon.
      const env = { ...process.env, PREBUILD_NODE_GYP: join(dir, 'scripts/prebuild-gyp') };
      await run(bin('prebuildify'), ['--napi', '--strip', '--tag-libc', '--arch', process.arch, '--cwd', dir], { env });
      rmSync(join(root, folder), { recursive: true, force: true });
      cpSync(join(dir, folder), join(root, folder), { recursive: true });
    }),
  );
