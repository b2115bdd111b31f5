/** What the golden file of the public API says that there is. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Operations of the manager, sorted: all of its methods but the one that ends it. */
export function managerMethods(): readonly string[] {
  return methodsOf('IcebergTableManager_2').filter((name) => name !== 'close' && name !== 'constructor')
}

/** Methods of an interface or class of the main entry, inherited ones too, by the name that the golden file gives it. */
export function methodsOf(name: string): readonly string[] {
  const golden = fileURLToPath(new URL('../../api/floeberg.api.md', import.meta.url))
  return [...new Set(methodsIn(readFileSync(golden, 'utf8'), name))].sort()
}

function methodsIn(golden: string, name: string): readonly string[] {
  const declaration = new RegExp(
    `\\n(?:export |abstract )*(?:class|interface) ${name}\\b(?:<[^{]*>)?(?: extends (\\w+))?[^{]*\\{\\n([\\s\\S]*?)\\n\\}\\n`,
  )
  const found = declaration.exec(golden)
  if (found === null) throw new Error(`The golden file of the API shows no ${name}`)
  const [, parent, body = ''] = found
  const methods = [...body.matchAll(/^ {4}([a-zA-Z]+)(?:<[^(]*>)?\(/gm)].map(([, method = '']) => method)
  return [...methods, ...(parent === undefined ? [] : methodsIn(golden, parent))]
}
