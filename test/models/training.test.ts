import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const python = process.env['MILLRACE_TEST_TRAINING_PYTHON']
const reason = python ? '' : ' (skipped: MILLRACE_TEST_TRAINING_PYTHON names no Python with models/training/requirements.txt)'

it.skipIf(!python)(`the training programs pass their own tests${reason}`, { timeout: 500_000 }, async () => {
  const cwd = join(import.meta.dirname, '..', '..', 'models', 'training')
  const { stderr } = await promisify(execFile)(python!, ['-m', 'unittest'], { cwd, timeout: 480_000 })
  expect(stderr).toMatch(/^Ran \d+ tests in [\s\S]*\nOK\s*$/m)
})
