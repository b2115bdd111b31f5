#!/usr/bin/env node
/**
 * The `floeberg` command. Looks at Node's version before it imports anything else, since an older
 * Node cannot even parse, or lacks, what the rest is made of; so only old syntax here.
 */
const oldest = [22, 13] as const
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  process.stderr.write(
    `floeberg needs Node.js ${oldest.join('.')} or newer; this is ${process.versions.node}.\n`,
  )
  process.exitCode = 1
} else {
  silenceSqliteWarning()
  import('./main.ts').then(
    ({ main }) => main(process.argv.slice(2)),
    (error: unknown) => {
      process.stderr.write(`floeberg could not start: ${String(error)}\n`)
      process.exitCode = 1
    },
  )
}

/** node:sqlite works as we use it; its notice that it may change is for us, not for users. */
function silenceSqliteWarning(): void {
  const emitWarning = process.emitWarning
  process.emitWarning = ((warning: string | Error, ...rest: unknown[]) => {
    const isSqlite = rest[0] === 'ExperimentalWarning' && String(warning).startsWith('SQLite')
    if (!isSqlite) Reflect.apply(emitWarning, process, [warning, ...rest])
  }) as typeof process.emitWarning
}
