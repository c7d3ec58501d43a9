import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What an operator's comment says: its one sentence and more, its diagram, its five promises. */
export interface OperatorDoc {
  /** Exported name. */
  readonly name: string
  /** Path from the project root. */
  readonly file: string
  readonly text: string
  readonly diagram: string
  /** By name, in the order of the comment. */
  readonly promises: readonly (readonly [name: string, text: string])[]
}

/** The promises that every operator makes, in this order (house style, section 5). */
export const promiseNames = ['Order', 'Bound', 'Time', 'Complete', 'Error'] as const

/** The documentation of every operator under `operators/` of a project, by file name; an operator is an exported function that gives an OperatorFunction. */
export function operatorDocs(root: string): OperatorDoc[] {
  const docs: OperatorDoc[] = []
  for (const name of readdirSync(join(root, 'operators')).sort()) {
    if (!name.endsWith('.ts')) continue
    const source = readFileSync(join(root, 'operators', name), 'utf8')
    for (const match of source.matchAll(/^export function (\w+)[\s\S]*?^\}/gm)) {
      if (!/\): OperatorFunction</.test(match[0])) continue
      const before = source.slice(0, match.index)
      const start = before.lastIndexOf('/**')
      const isOwn = start >= 0 && before.slice(start).trimEnd().indexOf('*/') === before.slice(start).trimEnd().length - 2
      docs.push(docOf(match[1]!, `operators/${name}`, isOwn ? before.slice(start) : ''))
    }
  }
  return docs
}

function docOf(name: string, file: string, comment: string): OperatorDoc {
  const lines = comment
    .split('\n')
    .slice(1, -2)
    .map((line) => line.replace(/^ \* ?/, ''))
  const text: string[] = []
  const diagram: string[] = []
  const promises: [string, string][] = []
  for (const line of lines) {
    const promise = /^- (\w+): (.*)$/.exec(line)
    if (promise) promises.push([promise[1]!, promise[2]!])
    else if (promises.length > 0) promises.at(-1)![1] += ` ${line.trim()}`
    else if (line.startsWith('    ')) diagram.push(line.slice(4))
    else if (line.trim() !== '') text.push(line.trim())
  }
  return { name, file, text: text.join(' '), diagram: diagram.join('\n'), promises }
}
