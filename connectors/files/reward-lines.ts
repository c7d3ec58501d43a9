import { MillraceError } from '../../core/errors.ts'
import type { LoggedChoice } from '../../ports/logged-choice.ts'
import { armOfSlot } from '../../schemas/exploration.ts'
import type { Reward, RewardSlot } from '../../schemas/reward.ts'
import { listInputFiles } from './input-files.ts'
import { readLines } from './read-rows.ts'

/** A reward as `millrace export rewards` writes it: bytes are base64. Rows from before corrections have no revision. */
type RewardLine = Omit<Reward, 'context' | 'revision'> & { readonly context: string; readonly revision?: number }

/** Corrected decisions, and explored lists, of one log: their ids are held while it is read. */
const heldMax = 5_000_000

/**
 * The engine's own log as `millrace export rewards` writes it: of each showing the slots that a policy explored, with the arms it chose
 * from, and the outcome that its last row tells; of a list whose ranker was drawn what its best slot brought. The context is what the policy saw of items, else 1 and what the user tower saw. Showings
 * without exploration, and those of which a page shows only a part of a slate, are passed over. So are all but the first of one list: a draw
 * counts once, and a list that nobody clicks on is shown again more often than a good one. Plain or gzip.
 * Errors: `MILL_IMPORT_INVALID` naming the line.
 */
export async function* rewardLines(path: string): AsyncGenerator<LoggedChoice[]> {
  const last = new Map<string, number>()
  const first = new Map<string, Pick<RewardLine, 'timeMs' | 'decisionId'>>()
  for await (const rows of rowsOf(path)) {
    for (const { decisionId, revision = 0, listId, timeMs, exploration } of rows) {
      if (revision > 0) last.set(decisionId, revision)
      if (exploration && timeMs < (first.get(listId)?.timeMs ?? Number.POSITIVE_INFINITY))
        first.set(listId, { timeMs, decisionId })
    }
    if (Math.max(last.size, first.size) > heldMax)
      throw new MillraceError(
        'MILL_IMPORT_INVALID',
        `"${path}" corrects more than ${heldMax} decisions, or explores as many lists; export a shorter time`,
      )
  }
  for await (const rows of rowsOf(path)) {
    const standing = rows.filter(
      ({ decisionId, revision = 0, listId }) =>
        revision === (last.get(decisionId) ?? 0) && decisionId === first.get(listId)?.decisionId,
    )
    yield standing.flatMap(choicesOf)
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
          choicesOf(row) // A line that is none is told with its number.
          return [row]
        } catch (cause) {
          const reason = `no reward as \`millrace export rewards\` writes it: ${(cause as Error).message}`
          throw new MillraceError('MILL_IMPORT_INVALID', `${file.path}:${firstLine + n}: ${reason}`, { cause })
        }
      })
    }
  }
}

function choicesOf({ exploration, slots, context, timeMs, userId, ...list }: RewardLine): LoggedChoice[] {
  const shown = slots.filter(({ slot }) => slot.explored).sort((a, b) => a.slot.position - b.slot.position)
  if (!exploration || shown.length === 0) return []
  // Logged by an older engine: one slot, filled by a source.
  const { over = 'source', places = 1, marginals = [], arms, context: seen } = exploration
  const known = { timeMs, unit: userId, over }
  const userContext = [1, ...floatsOf(context)]
  if (over === 'ranker') {
    const [{ slot }] = shown as [RewardSlot]
    const reward = Math.max(...shown.map((one) => one.reward))
    const drawn = { arm: armOfSlot(over, slot, list), position: 0, propensity: slot.propensity, reward, candidates: arms }
    return [{ ...known, ...drawn, context: userContext }]
  }
  if (shown.length !== places) return []
  const perCandidate = over !== 'source' && seen.length > 0
  const width = perCandidate ? seen.length / arms.length : 0
  let left = arms.map((arm, at) => ({ arm, row: seen.slice(at * width, (at + 1) * width) }))
  return shown.map(({ slot, reward }, position) => {
    const arm = armOfSlot(over, slot, list)
    const choice = {
      ...{ ...known, arm, position, propensity: slot.propensity, reward, perCandidate },
      candidates: left.map((one) => one.arm),
      context: perCandidate ? left.flatMap(({ row }) => row) : userContext,
      ...(over === 'slate' && { slate: { marginal: marginals[position] ?? null } }),
    }
    left = left.filter((one) => one.arm !== arm)
    return choice
  })
}

function floatsOf(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: bytes.length >> 2 }, (_, n) => bytes.readFloatLE(n * 4))
}
