/**
 * Runs every case of the manager in memory. This process is started so that it can write below its
 * folder alone, and read nothing but that and its own code; the network it takes from itself.
 */
import { deepStrictEqual, rejects } from 'node:assert/strict'
import dgram from 'node:dgram'
import dns from 'node:dns'
import { readFile, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'
import { join } from 'node:path'
import { memoryManagerWorld, openEngine } from '../../support/manager-world.ts'
import { argumentsOf } from '../../support/worker.ts'
import { MANAGER_CASES, runCase } from '../suite/run.ts'

const [root = '', outside = ''] = argumentsOf('root', 'outside')

const forbidden = (): never => {
  throw new Error('This process has no network')
}
Object.assign(net, { connect: forbidden, createConnection: forbidden, createServer: forbidden })
Object.assign(net.Socket.prototype, { connect: forbidden })
Object.assign(net.Server.prototype, { listen: forbidden })
Object.assign(dgram, { createSocket: forbidden })
Object.assign(dns, { lookup: forbidden, resolve: forbidden })
syncBuiltinESMExports()

// Were the permissions not in force, the cases would show nothing.
await rejects(readFile(join(outside, 'secret')), { code: 'ERR_ACCESS_DENIED' })
await rejects(writeFile(join(outside, 'new'), ''), { code: 'ERR_ACCESS_DENIED' })
await rejects(fetch('http://127.0.0.1:9/'))

const plane = await openEngine(root)
for (const managerCase of MANAGER_CASES) {
  const error: unknown = await runCase(managerCase, memoryManagerWorld, root, plane).then(
    () => null,
    (reason: unknown) => reason,
  )
  const failure = error instanceof Error ? `${error.stack}\n${String(error.cause ?? '')}` : error
  console.log(JSON.stringify({ name: managerCase.name, failure }))
}
await plane.close()
deepStrictEqual(process.permission.has('fs.write', outside), false)
