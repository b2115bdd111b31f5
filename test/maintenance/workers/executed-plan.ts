/** Executes a stored plan in a folder, and is killed when it has deleted so many files. */
import { readFile } from 'node:fs/promises'
import { localManagerWorld, openEngine } from '../../support/manager-world.ts'
import { argumentsOf } from '../../support/worker.ts'

const [folder = '', file = '', most = ''] = argumentsOf('folder', 'plan', 'files')
const plane = await openEngine(folder)
const world = await localManagerWorld(folder, plane)
const manager = await world.openAside()
const result = await manager.execute(JSON.parse(await readFile(file, 'utf8')), {
  onProgress: ({ done }) => {
    if (done >= Number(most)) process.kill(process.pid, 'SIGKILL')
  },
})
console.log(JSON.stringify(result.deletedFiles))
await manager.close()
await plane.close()
