import { MillraceError } from '../../core/errors.ts'
import type { LoggedChoice } from '../../ports/logged-choice.ts'
import type { Reward } from '../../schemas/reward.ts'
import { listInputFiles } from './input-files.ts'
import { readLines } from './read-rows.ts'

/** A reward as `millrace export rewards` writes it: bytes are base64. */
type RewardLine = Omit<Reward, 'context'> & { readonly context: string }

/**
 * The engine's own log as `millrace export rewards` writes it: of each showing the slot that a policy explored, with the arms it chose
 * from. The context is 1 and what the user tower saw. Showings without exploration are passed over. Plain or gzip.
 * Errors: `MILL_IMPORT_INVALID` naming the line.
 */
export async function* rewardLines(path: string): AsyncGenerator<LoggedChoice[]> {
  for (const file of await listInputFiles(path, /\.jsonl$/, '.jsonl file')) {
    const watch = { onBytes: () => {}, onBroken: () => {} }
    for await (const { lines, firstLine } of readLines(file, 'utf8', watch)) {
      const choices: LoggedChoice[] = []
      lines.forEach((line, n) => {
        if (line.trim() === '') return
        try {
          const choice = choiceOf(JSON.parse(line) as RewardLine)
          if (choice) choices.push(choice)
        } catch (cause) {
          const reason = `no reward as \`millrace export rewards\` writes it: ${(cause as Error).message}`
          throw new MillraceError('MILL_IMPORT_INVALID', `${file.path}:${firstLine + n}: ${reason}`, { cause })
        }
      })
      yield choices
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
