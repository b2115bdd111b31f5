import { describe, expect, test } from 'vitest'
import { arrangedArguments } from '../../src/cli/arguments.ts'
import { workspace } from './support.ts'

const commands = ['help', 'list', 'namespace']

describe('options of every command', () => {
  test.each([
    [
      ['list', 'demo'],
      ['list', 'demo'],
    ],
    [
      ['--output', 'json', 'list', 'demo'],
      ['list', 'demo', '--output', 'json'],
    ],
    [
      ['-v', '--catalog=prod', 'namespace', 'list', '--', '-x'],
      ['namespace', 'list', '-v', '--catalog=prod', '--', '-x'],
    ],
    [['--version'], ['--version']],
    [['--output'], ['--output']],
    [['lst', '--help'], ['lst']],
    [[], []],
  ])('%j is read as %j', (given, read) => {
    expect(arrangedArguments(given, commands)).toEqual(read)
  })
})

test('the command itself takes them in front, and knows what is none', async () => {
  const place = await workspace()
  expect(await place.json('--output', 'json', 'list')).toEqual(await place.json('list', '--output', 'json'))
  expect(await place.fails('lst', '--help')).toMatch(/^2 error FLOEBERG_USAGE: unknown command 'lst'/)
})
