import { Command } from 'commander'

/** Runs the command line `floeberg …args`; the exit status is left in `process.exitCode`. */
export async function main(args: readonly string[]): Promise<void> {
  const program = new Command('floeberg').description('Apache Iceberg tables from the command line')
  await program.parseAsync([...args], { from: 'user' })
}
