import { MillraceError } from '../../core/errors.ts'
import type { LoggedChoice } from '../../ports/logged-choice.ts'
import type { Reward } from '../../schemas/reward.ts'
import { listInputFiles } from './input-files.ts'
import { readLines } from './read-rows.ts'

/** A reward as `millrace export rewards` writes it: bytes are base64. Rows from before corrections have no revision. */
type RewardLine = Omit<Reward, 'context' | 'revision'> & { readonly context: string; readonly revision?: number }

/** Decisions of one log whose rows may have been corrected: their ids are held while it is read. */
const correctedMax = 5_000_000

/**
 * The engine's own log as `millrace export rewards` writes it: of each showing the slot that a policy explored, with the arms it chose
 * from, and the outcome that its last row tells. The context is 1 and what the user tower saw. Showings without exploration are passed
 * over. Plain or gzip. Errors: `MILL_IMPORT_INVALID` naming the line.
 */
export async function* rewardLines(path: string): AsyncGenerator<LoggedChoice[]> {
  const last = new Map<string, number>()
  for await (const rows of rowsOf(path)) {
    for (const { decisionId, revision = 0 } of rows) if (revision > 0) last.set(decisionId, revision)
    if (last.size > correctedMax)
      throw new MillraceError(
        'MILL_IMPORT_INVALID',
        `"${path}" corrects more than ${correctedMax} decisions; export a shorter time`,
      )
  }
  for await (const rows of rowsOf(path)) {
    const standing = rows.filter(({ decisionId, revision = 0 }) => revision === (last.get(decisionId) ?? 0))
    yield standing.flatMap((row) => choiceOf(row) ?? [])
  }
}

async function* rowsOf(path: string): AsyncGenerator<RewardLine[]> {
  for (const file of await listInputFiles(path, /\.jsonl$/, '.jsonl file')) {
    const watch = { onBytes: () => {}, onBroken: () => {} }
    for await (const { lines, firstLine } of readLines(file, 'utf8', watch)) {
      yield lines.flatMap((line, n) => {
        if (line.trim() === '') return []
        try {
          const row = JSON.parse(line) as RewardLine
          choiceOf(row) // A line that is none is told with its number.
          return [row]
        } catch (cause) {
          const reason = `no reward as \`millrace export rewards\` writes it: ${(cause as Error).message}`
          throw new MillraceError('MILL_IMPORT_INVALID', `${file.path}:${firstLine + n}: ${reason}`, { cause })
        }
      })
    }
  }
}

function choiceOf({ exploration, slots, context, timeMs, userId }: RewardLine): LoggedChoice | null {
  const shown = slots.find(({ slot }) => slot.explored)
  if (!exploration || !shown) return null
  return {
    timeMs,
    unit: userId,
    arm: shown.slot.source,
    position: 0,
    propensity: shown.slot.propensity,
    reward: shown.reward,
    candidates: exploration.arms,
    context: [1, ...floatsOf(context)],
  }
}

function floatsOf(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: bytes.length >> 2 }, (_, n) => bytes.readFloatLE(n * 4))
}
