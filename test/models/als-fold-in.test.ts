import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { ImplicitAls } from '../../algorithms/implicit-als.ts'
import { sparseRowsOf } from '../../algorithms/sparse-rows.ts'
import { createRandom } from '../../core/random.ts'
import { createLocalInference } from '../../gpu-workers/local-inference.ts'

const python = process.env['MILLRACE_TEST_TRAINING_PYTHON']
const reason = python ? '' : ' (skipped: MILLRACE_TEST_TRAINING_PYTHON names no Python with models/training/requirements.txt)'
const [factors, length, retrieve] = [8, 10, 30]

/** Trains and prints the vectors that the version was made from. */
const program = `
import json, sys
import numpy as np
import train_als
from pathlib import Path
people, repository = sys.argv[1:]
options = ("--factors", "${factors}", "--length", "${length}", "--retrieve", "${retrieve}", "--rounds", "3", "--force", "for a test")
train_als.main(("--sequences", people, "--repository", repository, *options))
stored = np.load(Path(repository) / "als" / "1" / "weights.npz")["items"]
print(json.dumps(stored.ravel().tolist()))
`

it.skipIf(!python)(
  `the trained graph folds a person in as the engine's own ALS does${reason}`,
  { timeout: 120_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-als-'))
    try {
      const random = createRandom('als people')
      const people = Array.from({ length: 120 }, (_, n) => Array.from({ length: 9 }, () => 4 * random.below(15) + (n % 4)))
      await writeFile(join(folder, 'people.txt'), people.map((items, n) => `u${n} ${items.join(' ')}\n`).join(''))
      const repository = join(folder, 'models')
      const cwd = join(import.meta.dirname, '..', '..', 'models', 'training')
      const { stdout } = await promisify(execFile)(python!, ['-c', program, join(folder, 'people.txt'), repository], { cwd })
      const vectors = JSON.parse(stdout.trim().split('\n').at(-1)!) as number[]
      const itemCount = vectors.length / factors
      const engine = new ImplicitAls(sparseRowsOf([[0]], itemCount), { factors, regularisation: 0.1, alpha: 40 })
      engine.itemVectors.set(vectors)

      // Somebody with repeats, one with a single item, one with as many as fit, one with an item that is none; the newest at the right.
      const sequences = [[3, 3, 3, 17, 9, 3], [1], [2, 6, 10, 14, 18, 22, 26, 30, 34, 38], [5, itemCount + 7, 9]]
      const rows = sequences.flatMap((items) => [...Array<number>(length - items.length).fill(0), ...items])
      const inference = await createLocalInference({ repository })
      const input = {
        name: 'item_sequence',
        datatype: 'INT64',
        shape: [sequences.length, length],
        data: BigInt64Array.from(rows, BigInt),
      }
      const outputs = ['item_ids', 'scores']
      const answer = await inference.infer({ model: 'als', version: '', inputs: [input as never], outputs, deadlineMs: 10_000 })
      await inference.close()
      const [ids, scores] = outputs.map((name) => Array.from(answer.outputs.find((one) => one.name === name)!.data, Number))
      for (const [person, items] of sequences.entries()) {
        const known = [...new Set(items)].filter((item) => item <= itemCount)
        const times = known.map((item) => items.filter((other) => other === item).length)
        const wanted = new Float64Array(itemCount)
        engine.scores(
          engine.foldIn(
            known.map((item) => item - 1),
            times,
          ),
          wanted,
        )
        const order = [...wanted.keys()].sort((a, b) => wanted[b]! - wanted[a]! || a - b)
        for (let rank = 0; rank < retrieve; rank++) {
          const at = person * retrieve + rank
          expect(scores![at]).toBeCloseTo(wanted[order[rank]!]!, 4)
          expect(scores![at]).toBeCloseTo(wanted[ids![at]! - 1]!, 4)
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)
