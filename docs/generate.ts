import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { configurationPage } from './configuration-page.ts'
import { errorPage } from './error-page.ts'
import { featureNames, featurePage } from './feature-page.ts'
import { operatorDocs } from './operator-docs.ts'
import { operatorPage } from './operator-page.ts'
import { topicPage } from './topic-page.ts'

const root = join(import.meta.dirname, '..')
writeFileSync(join(root, 'docs/operators.md'), operatorPage(operatorDocs(root)))
writeFileSync(join(root, 'docs/errors.md'), errorPage())
writeFileSync(join(root, 'docs/configuration.md'), configurationPage())
writeFileSync(join(root, 'docs/topics.md'), topicPage())
writeFileSync(join(root, 'docs/features.md'), featurePage())
writeFileSync(join(root, 'models/training/millrace_training/ranker_columns.json'), featureNames())
