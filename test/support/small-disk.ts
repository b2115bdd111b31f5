/** Child processes whose disk is full soon. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** A command that runs another one with a folder that holds few bytes. */
export interface SmallDisk {
  /** To put before the command. */
  readonly through: (folder: string, bytes: number) => readonly string[]
  /**
   * `disk`: the folder is a file system of that size, and all writes share it. `file`: no single
   * file of the process can be larger; for machines on which nothing can be mounted.
   */
  readonly limits: 'disk' | 'file'
}

/** Mounted in a namespace of the child's own, so that it is gone with the child. */
function mounted(...unshare: readonly string[]): SmallDisk {
  return {
    limits: 'disk',
    through: (folder, bytes) => [
      ...unshare,
      ...shell('mount -t tmpfs -o size="$2" tmpfs "$1" || exit 97; shift 2; exec "$@"'),
      folder,
      String(bytes),
    ],
  }
}

/** Ignored signals are inherited: a write past the limit is an error then, not the end. */
const limited: SmallDisk = {
  limits: 'file',
  through: (folder, bytes) => [
    ...shell('trap "" XFSZ; ulimit -f $(($2 / 512)) || exit 97; shift 2; exec "$@"'),
    folder,
    String(bytes),
  ],
}

function shell(script: string): readonly string[] {
  return ['sh', '-c', script, 'sh']
}

/** The best that this machine allows; throws where it allows nothing at all. */
export async function smallDisk(folder: string): Promise<SmallDisk> {
  for (const disk of [mounted('unshare', '-m'), mounted('unshare', '-rm'), limited]) {
    const [command = '', ...args] = [...disk.through(folder, 1 << 20), 'true']
    const works = await promisify(execFile)(command, args).then(
      () => true,
      // Not allowed here, or no such command: the next way.
      () => false,
    )
    if (works) return disk
  }
  throw new Error('This machine offers no way to fill a disk: neither a mount nor ulimit works')
}
