import { MillraceError } from '../../core/errors.ts'
import type { LoggedChoice } from '../../ports/logged-choice.ts'
import { listInputFiles } from './input-files.ts'
import { readLines } from './read-rows.ts'

/**
 * The log of Yahoo's front page (R6A/R6B; Li, Chu, Langford, Wang, WSDM 2011): `time article click |user 1:x 2:y … |article 1:x … |article …`;
 * articles were shown evenly at random, so the propensity is 1 / articles. The context is the user's features in order of their numbers,
 * with `contextWidth` places (R6A: 6; a file without numbers, as R6B, gives 1 place per feature named). Plain or gzip.
 * Errors: `MILL_IMPORT_INVALID` naming the line.
 */
export async function* newsReplay(path: string): AsyncGenerator<LoggedChoice[]> {
  for (const file of await listInputFiles(path, /./, 'file')) {
    const watch = { onBytes: () => {}, onBroken: () => {} }
    for await (const { lines, firstLine } of readLines(file, 'utf8', watch)) {
      const choices: LoggedChoice[] = []
      lines.forEach((line, n) => {
        if (line.trim() === '') return
        const choice = parse(line)
        if (typeof choice === 'string') throw new MillraceError('MILL_IMPORT_INVALID', `${file.path}:${firstLine + n}: ${choice}`)
        choices.push(choice)
      })
      yield choices
    }
  }
}

/** Places of the context: those of R6A. */
const contextWidth = 6

function parse(line: string): LoggedChoice | string {
  const [head = '', ...parts] = line.split('|')
  const [time = '', arm = '', click = ''] = head.trim().split(/\s+/)
  if (!/^\d+$/.test(time)) return `"${time}" is no time in seconds`
  if (click !== '0' && click !== '1') return `click "${click}" is neither 0 nor 1`
  const context = new Array<number>(contextWidth).fill(0)
  const candidates: string[] = []
  for (const part of parts) {
    const [name = '', ...features] = part.trim().split(/\s+/)
    if (name !== 'user') {
      candidates.push(name)
      continue
    }
    for (const feature of features) {
      const [number, value = '1'] = feature.split(':')
      const at = Number(number) - 1
      if (at >= 0 && at < contextWidth) context[at] = Number(value)
    }
  }
  if (!candidates.includes(arm)) return `article "${arm}" was shown but is not among the ${candidates.length} that could be`
  if (context.some((value) => !Number.isFinite(value))) return 'a user feature is no number'
  return {
    timeMs: Number(time) * 1000,
    unit: '',
    arm,
    position: 0,
    propensity: 1 / candidates.length,
    reward: Number(click),
    candidates,
    context,
  }
}
