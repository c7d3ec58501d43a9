import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { rankerFeatureNames } from '../algorithms/ranker-features.ts'
import { errorCodes } from '../core/errors.ts'
import { configurationPage } from '../docs/configuration-page.ts'
import { errorPage } from '../docs/error-page.ts'
import { featureHomes } from '../docs/feature-homes.ts'
import { featureNames, featurePage } from '../docs/feature-page.ts'
import { operatorDocs } from '../docs/operator-docs.ts'
import { operatorPage } from '../docs/operator-page.ts'
import { topicPage } from '../docs/topic-page.ts'

const root = join(import.meta.dirname, '..')

describe('docs', () => {
  it('errors.md names every code with its reaction', () => {
    const page = readFileSync(join(root, 'docs/errors.md'), 'utf8')
    expect(page, 'run `npm run docs`').toBe(errorPage())
    const documented = [...page.matchAll(/^\| `(MILL_\w+)` \| .+ \|$/gm)].map(([, code]) => code).sort()
    expect(documented).toEqual(Object.keys(errorCodes).sort())
  })

  it('configuration.md and topics.md equal the schemas they are made from', () => {
    expect(readFileSync(join(root, 'docs/configuration.md'), 'utf8'), 'run `npm run docs`').toBe(configurationPage())
    expect(readFileSync(join(root, 'docs/topics.md'), 'utf8'), 'run `npm run docs`').toBe(topicPage())
  })

  it('features.md and what training knows of the columns equal the columns', () => {
    expect(readFileSync(join(root, 'docs/features.md'), 'utf8'), 'run `npm run docs`').toBe(featurePage())
    const names = readFileSync(join(root, 'models/training/millrace_training/ranker_columns.json'), 'utf8')
    expect(names, 'run `npm run docs`').toBe(featureNames())
  })

  it('features.md names all of area 2, files that are there, and columns that the ranker hears of', () => {
    const ids = featureHomes.map(({ id }) => id)
    expect(ids.filter((id) => id.startsWith('F2.'))).toEqual(Array.from({ length: 20 }, (_, at) => `F2.${at + 1}`))
    expect(featureHomes.flatMap(({ files }) => files).filter((file) => !existsSync(join(root, file)))).toEqual([])
    const known: readonly string[] = rankerFeatureNames
    expect(featureHomes.flatMap(({ columns }) => columns).filter((name) => !known.includes(name))).toEqual([])
  })

  it('operators.md equals the comments of the operators', () => {
    expect(readFileSync(join(root, 'docs/operators.md'), 'utf8'), 'run `npm run docs`').toBe(operatorPage(operatorDocs(root)))
  })
})
