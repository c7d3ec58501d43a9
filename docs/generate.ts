import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorPage } from './error-page.ts'
import { operatorDocs } from './operator-docs.ts'
import { operatorPage } from './operator-page.ts'

const root = join(import.meta.dirname, '..')
writeFileSync(join(root, 'docs/operators.md'), operatorPage(operatorDocs(root)))
writeFileSync(join(root, 'docs/errors.md'), errorPage())
