// Running a command in a network namespace of its own, so that no test and no benchmark can reach the machine's rules.
import { readlinkSync } from 'node:fs';
import { Failure, run } from './steps.mjs';

/** The words that put a command into a new network namespace: as root directly, otherwise in a user namespace. */
export async function privateNetns() {
  const wrapper = process.getuid() === 0 ? ['--net', '--'] : ['--user', '--map-root-user', '--net', '--'];
  const probe = await run('unshare', [...wrapper, 'true'], { check: false });
  if (probe.code !== 0) {
    throw new Failure(
      `cannot make a private network namespace (unshare ${wrapper.join(' ')} true: ${probe.output.trim()}).\n` +
        'Run as root, or allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces>0).',
    );
  }
  return {
    command: 'unshare',
    prefix: wrapper,
    // What test/support/namespace.ts compares with: tests refuse to run in the namespace this script started in.
    env: { NFLINK_INITIAL_NETNS: readlinkSync('/proc/self/ns/net') },
  };
}
