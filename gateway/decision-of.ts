import type { Decision } from '../schemas/decision.ts'
import { explorationDefaults } from '../schemas/exploration.ts'
import type { ServedSnapshot } from '../schemas/served-list.ts'
import { unpackRow } from '../schemas/served-rows.ts'
import type { Shown } from './shown.ts'

// avsc takes Buffers only.
const noBytes = Buffer.alloc(0)

/** The decision that a showing is: what was shown, by whom, with what chance, and what the models saw. */
export function decisionOf(shown: Omit<Shown, 'nextCursor'>, decisionId: string, snapshot: ServedSnapshot | null): Decision {
  return {
    decisionId,
    listId: shown.listId,
    userId: shown.userId,
    timeMs: shown.timeMs,
    surface: shown.surface,
    policy: shown.policy,
    policyVersion: shown.policyVersion,
    experiment: shown.experiment,
    variant: shown.variant,
    assignments: shown.assignments,
    seed: shown.seed,
    rung: shown.rung,
    modelVersion: shown.modelVersion,
    context: bytesOf(snapshot?.context),
    // A page that does not hold the slot shows nothing that was explored.
    exploration:
      shown.exploration && shown.items.some(({ explored }) => explored)
        ? { ...explorationDefaults, ...shown.exploration } // A list stored by an older engine tells less.
        : null,
    slots: shown.items.map((item) => ({
      itemId: item.itemId,
      position: item.position,
      propensity: item.propensity,
      source: item.sources[0] ?? '',
      score: item.score,
      explored: item.explored,
      features: (snapshot && unpackRow(snapshot, item.itemId)) ?? noBytes,
    })),
  }
}

function bytesOf(base64: string | undefined): Uint8Array {
  return base64 ? Buffer.from(base64, 'base64') : noBytes
}
