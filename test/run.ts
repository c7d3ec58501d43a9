import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** One test file in vitest's JSON report. */
interface FileResult {
  readonly name: string
  readonly status: string
  readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
}

interface Counts {
  passed: number
  failed: number
  skipped: number
}

const root = join(import.meta.dirname, '..')
const resultsDir = join(root, '.millrace', 'test-results')
const reportFile = join(resultsDir, 'vitest.json')
/** Holds the closing line for programs that print something after us, as npm does when a test failed. */
const summaryFile = join(resultsDir, 'summary.txt')

/** Sums up a report: a file that could not even be loaded counts as one failed test, and so does a run that failed for no test. */
function count(files: readonly FileResult[], exitCode: number): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const { status, assertionResults } of files) {
    if (status === 'failed' && assertionResults.length === 0) counts.failed++
    for (const { status: outcome } of assertionResults) {
      if (outcome === 'passed') counts.passed++
      else if (outcome === 'failed') counts.failed++
      else counts.skipped++
    }
  }
  if (exitCode !== 0 && counts.failed === 0) counts.failed = 1
  return counts
}

function skippedNames(files: readonly FileResult[]): string[] {
  return files.flatMap(({ assertionResults }) =>
    assertionResults.filter(({ status }) => status !== 'passed' && status !== 'failed').map(({ fullName }) => fullName),
  )
}

/** Runs every test, or those that the arguments choose (as vitest takes them), and answers the exit code. */
async function run(args: readonly string[]): Promise<number> {
  rmSync(resultsDir, { recursive: true, force: true })
  mkdirSync(resultsDir, { recursive: true })
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
  const child = spawn(process.execPath, [vitest, 'run', ...reporters, ...args], { cwd: root, stdio: 'inherit' })
  const exitCode = await new Promise<number>((resolve) => {
    child.once('error', () => resolve(1))
    child.once('close', (code) => resolve(code ?? 1))
  })
  const report = existsSync(reportFile) ? (JSON.parse(readFileSync(reportFile, 'utf8')) as { testResults: FileResult[] }) : null
  const files = report?.testResults ?? []
  const { passed, failed, skipped } = count(files, exitCode)
  const names = skippedNames(files)
  if (names.length > 0) process.stdout.write(`\nSkipped:\n${names.map((name) => `  ${name}\n`).join('')}`)
  const line = `${passed} passed, ${failed} failed, ${skipped} skipped`
  writeFileSync(summaryFile, `${line}\n`)
  process.stdout.write(`\n${line}\n`)
  return failed > 0 ? 1 : exitCode
}

process.exitCode = await run(process.argv.slice(2))
