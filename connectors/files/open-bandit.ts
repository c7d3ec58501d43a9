import { MillraceError } from '../../core/errors.ts'
import { fnv1a32 } from '../../core/hash.ts'
import type { LoggedChoice } from '../../ports/logged-choice.ts'
import { listInputFiles } from './input-files.ts'
import { ColumnNames } from './map-files.ts'
import { parseTime } from './parse-time.ts'
import { readRows } from './read-rows.ts'

/** Hashed user features become so many numbers, the first of them always 1. */
const contextWidth = 17

/**
 * The Open Bandit Dataset (Saito et al., NeurIPS 2021): one row per shown item with its position (1 to 3), click and the chance of that
 * item in that position. The context is 1 and the hashed user features as one-hot places. Plain or gzip. Errors: `MILL_IMPORT_INVALID`
 * naming the line.
 */
export async function* openBandit(path: string): AsyncGenerator<LoggedChoice[]> {
  const files = await listInputFiles(path, /^(?!item_context).*\.csv$/, '.csv file')
  for (const file of files) {
    const wrong = (line: number, reason: string) => new MillraceError('MILL_IMPORT_INVALID', `${file.path}:${line}: ${reason}`)
    const watch = {
      onBytes: () => {},
      onBroken: (line: number, reason: string) => {
        throw wrong(line, reason)
      },
    }
    let read: ((fields: readonly string[]) => LoggedChoice | string) | null = null
    for await (const { rows, lines } of readRows(file, { delimiter: ',', quoted: false }, watch)) {
      const choices: LoggedChoice[] = []
      rows.forEach((fields, n) => {
        if (read === null) {
          read = readerOf(new ColumnNames(fields, file))
          return
        }
        const choice = read(fields)
        if (typeof choice === 'string') throw wrong(lines[n]!, choice)
        choices.push(choice)
      })
      yield choices
    }
  }
}

/** All items of the campaign by its `item_context.csv`, for arms that a log never shows; none without that file. */
export async function openBanditArms(folder: string): Promise<string[]> {
  const arms: string[] = []
  const files = await listInputFiles(folder, /^item_context\.csv$/, 'item_context.csv').catch(() => [])
  for (const file of files) {
    if (file.name !== 'item_context.csv') continue
    let at = -1
    for await (const { rows } of readRows(file, { delimiter: ',', quoted: false }, { onBytes: () => {}, onBroken: () => {} }))
      for (const fields of rows) {
        if (at < 0) at = new ColumnNames(fields, file).need('item_id')
        else arms.push(fields[at]!)
      }
  }
  return arms
}

function readerOf(columns: ColumnNames): (fields: readonly string[]) => LoggedChoice | string {
  const [time, item, position, click, propensity] = ['timestamp', 'item_id', 'position', 'click', 'propensity_score'].map(
    (name) => columns.need(name),
  )
  const features = [0, 1, 2, 3].map((n) => columns.find(`user_feature_${n}`)).filter((at) => at >= 0)
  return (fields) => {
    const timeMs = parseTime(fields[time!], 'auto')
    const place = Number(fields[position!])
    const chance = Number(fields[propensity!])
    const reward = Number(fields[click!])
    if (Number.isNaN(timeMs)) return `timestamp "${fields[time!]}" is no time`
    if (!fields[item!]) return 'item_id is missing'
    if (!(Number.isInteger(place) && place >= 1)) return `position "${fields[position!]}" is no whole number from 1`
    if (!(chance > 0 && chance <= 1)) return `propensity_score "${fields[propensity!]}" is not in (0, 1]`
    if (!Number.isFinite(reward)) return `click "${fields[click!]}" is no number`
    const context = new Array<number>(contextWidth).fill(0)
    context[0] = 1
    for (const at of features) context[1 + (fnv1a32(`${at} ${fields[at]}`) % (contextWidth - 1))] = 1
    return { timeMs, unit: '', arm: fields[item!]!, position: place - 1, propensity: chance, reward, candidates: null, context }
  }
}
