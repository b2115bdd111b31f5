/** The commands by themselves: their help, and what errors may say. */
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { exitStatusFor, failureText, UsageError } from '../../src/cli/failure.ts'
import { createProgram } from '../../src/cli/program.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import { EngineError, MissingFileError, OperationAbortedError } from '../../src/errors.ts'

const silent: Terminal = {
  write: async () => undefined,
  note: () => undefined,
  isInteractive: false,
  width: null,
  errorWidth: null,
  hasColor: false,
  signal: new AbortController().signal,
  stopped: null,
  release: () => undefined,
}

function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

const commands = leaves(createProgram(() => async () => undefined, silent))

describe('help', () => {
  test.each(commands.map((command) => [fullName(command), command] as const))(
    'of %s has an example of it',
    (name, command) => {
      let text = ''
      command.configureOutput({ writeOut: (piece) => (text += piece) }).outputHelp()
      expect(text).toMatch(new RegExp(`\\nExample:\\n {2}floeberg ${name}\\b`))
      expect(text).toContain('--output <format>')
      expect(command.description()).not.toBe('')
    },
  )
})

function fullName(command: Command): string {
  const parent = command.parent
  return parent === null || parent.parent === null ? command.name() : `${fullName(parent)} ${command.name()}`
}

describe('errors', () => {
  const quiet = { verbose: false }
  const verbose = { verbose: true }

  test('name the table and the file, and say what to do, in one line', () => {
    const error = new MissingFileError('The file is gone', {
      table: 'demo.t',
      file: 's3://b/f',
      hint: 'Look.',
    })
    expect(failureText(error, quiet)).toBe(
      'error FLOEBERG_MISSING_FILE: The file is gone [demo.t, s3://b/f] (Look.)\n',
    )
    const named = new MissingFileError('demo.t lost a file', { table: 'demo.t' })
    expect(failureText(named, quiet)).toBe('error FLOEBERG_MISSING_FILE: demo.t lost a file\n')
  })

  test('never pass on what others said', () => {
    const driver = Object.assign(new Error('row (secret, 42) is bad'), { code: 'EIO' })
    const error = new EngineError('The engine failed', {
      cause: new MissingFileError('It misses a file', { cause: driver }),
    })
    expect(failureText(error, quiet)).toBe('error FLOEBERG_ENGINE: The engine failed\n')
    expect(failureText(error, verbose)).toBe(`error FLOEBERG_ENGINE: The engine failed
  caused by FLOEBERG_MISSING_FILE: It misses a file
  caused by Error EIO
`)
    expect(failureText(driver, quiet)).toBe(
      'error FLOEBERG_INTERNAL: this should not have happened: Error EIO (Run it again with --verbose, and tell us.)\n',
    )
    expect(failureText(driver, verbose)).toMatch(/Error EIO\n( {4}at .*\n)+$/)
    expect(failureText(driver, verbose)).not.toContain('secret')
    expect(failureText('secret', verbose)).not.toContain('secret')
  })

  test('a chain that bites its tail ends', () => {
    const error = new EngineError('a')
    Object.defineProperty(error, 'cause', { value: error })
    expect(failureText(error, verbose)).toBe('error FLOEBERG_ENGINE: a\n')
  })

  test('names that hold control characters stay one line', () => {
    const error = new MissingFileError('No file', { file: 'a\nb\u001B[2J' })
    expect(failureText(error, quiet)).toBe('error FLOEBERG_MISSING_FILE: No file [a\\nb\\x1b[2J]\n')
  })

  test('statuses', () => {
    expect([new UsageError('x'), new OperationAbortedError('x'), new Error('x')].map(exitStatusFor)).toEqual([
      2, 1, 1,
    ])
  })
})
