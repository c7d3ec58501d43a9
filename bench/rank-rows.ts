import { reactionOf } from '../core/errors.ts'
import type { Inference } from '../ports/inference.ts'

/** What the engine asks the ranker for. */
export const rankerOutputs: readonly string[] = ['p_click', 'p_like', 'p_purchase']

/** Has the shipped ranker score so many rows; false when the worker was too busy to (on a starved machine it drops what waited 100 ms). */
export async function rankRows(inference: Inference, rows: number): Promise<boolean> {
  const width = await inference.inputWidth('ranker')
  const data = new Float32Array(rows * width).fill(0.5)
  const inputs = [{ name: 'features', datatype: 'FP32' as const, shape: [rows, width], data }]
  try {
    await inference.infer({ model: 'ranker', version: '', inputs, outputs: rankerOutputs, deadlineMs: 60_000 })
    return true
  } catch (error) {
    if (reactionOf(error) !== 'degrade') throw error
    return false
  }
}
