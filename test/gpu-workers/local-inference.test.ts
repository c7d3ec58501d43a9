import { expect, it } from 'vitest'
import { createLocalInference } from '../../gpu-workers/local-inference.ts'
import { inferenceConformance } from '../conformance/inference.ts'

inferenceConformance('in process', {
  async open(repository) {
    const inference = await createLocalInference({ repository })
    return { inference, load: (model) => inference.load(model), close: () => inference.close() }
  },
})

it('a repository that does not exist serves no model, and requests hear so', async () => {
  const inference = await createLocalInference({ repository: 'there/is/no/such/folder' })
  expect(await inference.models()).toEqual([])
  await expect(inference.infer({ model: 'ranker', version: '', inputs: [], outputs: [], deadlineMs: 100 })).rejects.toMatchObject(
    {
      code: 'MILL_INFERENCE_INVALID',
      details: { status: 'NOT_FOUND' },
    },
  )
  await inference.close()
  await expect(inference.infer({ model: 'ranker', version: '', inputs: [], outputs: [], deadlineMs: 100 })).rejects.toMatchObject(
    {
      code: 'MILL_INFERENCE_UNAVAILABLE',
    },
  )
})
