import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newsReplay } from '../../connectors/files/news-replay.ts'
import { judgePolicy } from '../../evaluation/policies/judge-policy.ts'
import { constantPolicy } from '../../evaluation/policies/judged-policy.ts'
import { PolicyLog } from '../../evaluation/policies/policy-log.ts'

function fileOf(...lines: readonly string[]): string {
  const path = join(mkdtempSync(join(tmpdir(), 'news-')), 'clicks')
  writeFileSync(path, lines.join('\n'))
  return path
}

async function read(path: string) {
  const log = new PolicyLog()
  for await (const choices of newsReplay(path)) log.add(choices)
  return log
}

it('reads who was shown what among which articles, and replays a policy on the rows where it would have done the same', async () => {
  const articles = '|109498 1:0.3 |109513 1:0.1 |109453 1:0.2'
  const log = await read(
    fileOf(
      `1241160900 109513 1 |user 2:0.5 1:1 6:0.25 ${articles}`,
      `1241160901 109498 0 |user 1:1 ${articles}`,
      `1241160902 109513 0 |user 1:1 ${articles}`,
    ),
  )
  expect([log.rows, log.timeMs[0], log.propensity[0], log.reward]).toEqual([3, 1_241_160_900_000, 1 / 3, [1, 0, 0]])
  expect([...log.contextOf(0, log.arm[0]!)]).toEqual([1, 0.5, 0, 0, 0, 0.25])
  const { estimates } = judgePolicy(log, constantPolicy(log, '109513'), {
    limit: 10,
    shrinkage: 10,
    folds: 2,
    seed: 1,
    resamples: 100,
  })
  expect(estimates.find(({ estimator }) => estimator === 'replay (2 rows)')!.value).toBe(0.5)
  expect(estimates.find(({ estimator }) => estimator === 'IPS')!.value).toBe(1)
})

it.each([
  ['today 1 0 |user 1:1 |1', /clicks:1: "today" is no time/],
  ['1241160900 7 0 |user 1:1 |1 |2', /clicks:1: article "7" was shown but is not among the 2/],
  ['1241160900 1 2 |user 1:1 |1', /clicks:1: click "2" is neither 0 nor 1/],
  ['1241160900 1 0 |user 1:x |1', /clicks:1: a user feature is no number/],
])('names the line that is wrong: %s', async (line, message) => {
  await expect(read(fileOf(line))).rejects.toThrow(message)
})
