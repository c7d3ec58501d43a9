import { expect, it, vi } from 'vitest'
import { rankerFeatureNames } from '../../algorithms/ranker-features.ts'
import { tellList } from '../../cli/explain-text.ts'
import { forestsOn, readForest } from '../../cli/read-forest.ts'

const tree = {
  feature: [3, -1, -1],
  threshold: [0.1, 0, 0],
  left: [1, 0, 0],
  right: [2, 0, 0],
  value: [0, 1, 2],
  cover: [9, 4, 5],
}
const text = (more: object = {}, ...trees: readonly object[]): string =>
  JSON.stringify({ columns: rankerFeatureNames, base: 0, trees: trees.length > 0 ? trees : [tree], ...more })

it('reads the trees of a version once, and says of a network that it has none', async () => {
  const read = vi.fn((_model: string, version: number) => Promise.resolve(version === 2 ? text() : null))
  const forestOf = forestsOn({ read }, 'ranker')
  const [forest] = (await forestOf('2'))!
  // A threshold is a float32 number, as the rows are: 0.1 itself goes left.
  expect([forest!.feature[0], forest!.threshold[0] === Math.fround(0.1), [...forest!.cover]]).toEqual([3, true, [9, 4, 5]])
  expect(await forestOf('1')).toBe(null)
  expect(await forestOf('2')).toHaveLength(1)
  for (const foreign of ['', 'blue', '../2', '2/..']) expect(await forestOf(foreign)).toBe(null)
  expect(read.mock.calls).toEqual([
    ['ranker', 2, 'trees.json'],
    ['ranker', 1, 'trees.json'],
  ])
})

it.each([
  ['no JSON', '{', 'it is no JSON'],
  ['other columns', text({ columns: ['a'] }), 'its columns are not those of the ranker features'],
  ['no columns', '{}', 'its columns'],
  ['nothing at all', 'null', 'its columns'],
  ['no trees', text({ trees: 7 }), 'its trees'],
  ['a column that is not there', text({}, { ...tree, feature: [rankerFeatureNames.length, -1, -1] }), 'its trees'],
  ['a way back', text({}, { ...tree, right: [0, 0, 0] }), 'its trees'],
  ['a way out', text({}, { ...tree, right: [3, 0, 0] }), 'its trees'],
  ['half a node', text({}, { ...tree, cover: [9, 4] }), 'its trees'],
  ['an empty branch', text({}, { ...tree, cover: [9, 0, 9] }), 'its trees'],
  ['a tree of nothing', text({}, {}), 'its trees'],
])('refuses %s, naming the file', (_, content, what) => {
  expect(() => readForest(content, 'ranker/3/trees.json')).toThrow(`ranker/3/trees.json: ${what}`)
  expect(() => readForest(content, 'ranker/3/trees.json')).toThrow(expect.objectContaining({ code: 'MILL_MODEL_INVALID' }))
})

it('says by which method a list was taken apart, and what it was compared with', () => {
  const lines: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line))
  const list = { listId: '1-1', userId: 'u', surface: 'home', rung: 'ranker', modelVersion: '2', generatedMs: 0 }
  const explanation = { method: 'tree-shap', score: 1.5, base: 0.5, draws: 0, modelVersion: '2' }
  const contributions = [{ feature: 'price_log', value: 3, contribution: 1, error: 0 }]
  const item = { itemId: 'a', score: 0.2, sources: ['trend'], because: 'popular', propensity: 1, explored: false, place: 0 }
  tellList(list as never, [{ ...item, inReserve: false, explanation: { ...explanation, contributions } } as never], 0, true)
  log.mockRestore()
  const told = lines.join('\n')
  expect(told).toContain('exact SHAP values (tree-shap) of the trees of model 2')
  expect(told).toContain('against the mean score 0.5000 of the rows they learned from')
  expect(told).toContain('base 0.5000 + contributions +1.0000 = score 1.5000')
  expect(told).not.toContain('answers now')
})
