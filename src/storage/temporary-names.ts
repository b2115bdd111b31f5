/**
 * Names of files that are not objects yet. They stand in the folder of the object to be, are never
 * listed as objects, and are left behind only when a process is killed: whoever finds a name of
 * this form knows whose it was and, by its age, that it may go.
 */

/** `put`: an object being written; `out`: a data file being written; `dir`: a scratch folder. */
export type TemporaryKind = 'put' | 'out' | 'dir'

const PREFIX = '.floeberg-'

export function temporaryName(kind: TemporaryKind, extension = ''): string {
  return `${PREFIX}${kind}-${crypto.randomUUID()}${extension}`
}

/** Whether a file or folder name (without its path) is one of ours. */
export function isTemporaryName(name: string): boolean {
  return name.startsWith(PREFIX)
}
