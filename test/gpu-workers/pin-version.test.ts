import { expect, it } from 'vitest'
import { pinVersion } from '../../gpu-workers/pin-version.ts'
import { readModelConfig } from '../../gpu-workers/read-model-config.ts'

const policyOf = (text: string) => readModelConfig(text, { file: 'm/config.pbtxt', name: 'm' }).version_policy
const pinned = { specific: { versions: [7] } }

it.for([
  ['', 'nothing'],
  ['name: "m"', 'no newline at the end'],
  ['version_policy { latest { num_versions: 2 } }\nname: "m"\n', 'latest, first'],
  ['name: "m"\nversion_policy: { specific { versions: [1, 2] } } max_batch_size: 4\n', 'specific, on a line with more'],
  ['name: "m" # keeps "this } one"\n  version_policy < all < > > # and this {\nmax_batch_size: 4', 'angles and comments'],
  ['version_policy {\n  # a brace } in a comment\n  latest { num_versions: 1 }\n}\n', 'over several lines'],
])('%s (%s) serves version 7 and keeps the rest', ([text]) => {
  const changed = pinVersion(text!, 7, 'm/config.pbtxt')
  expect(policyOf(changed)).toEqual(pinned)
  const without = (config: string) => ({ ...readModelConfig(config, { file: 'f', name: 'm' }), version_policy: undefined })
  expect(without(changed)).toEqual(without(text!))
  for (const comment of text!.match(/# (keeps|and).*/g) ?? []) expect(changed).toContain(comment)
  expect(pinVersion(changed, 7, 'm/config.pbtxt')).toBe(changed)
})

it('refuses a text that is no config', () => {
  expect(() => pinVersion('version_policy {', 7, 'm/config.pbtxt')).toThrow('m/config.pbtxt:1')
})
