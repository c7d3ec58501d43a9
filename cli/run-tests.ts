import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exitCodes } from './exit-codes.ts'

interface TestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numFailedTestSuites: number
  readonly testResults: readonly {
    readonly name: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

export interface TestOptions {
  /** Only files whose path contains one of these; none = all. */
  readonly files: readonly string[]
  /** One project of vitest.config.ts; absent = both. */
  readonly project: string | undefined
}

/** Runs vitest, tells what was skipped and why, and ends with `123 passed, 0 failed, 4 skipped`. Answers the exit code. */
export async function runTests({ files, project }: TestOptions): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tests-'))
  const reportFile = join(folder, 'report.json')
  const vitest = join(import.meta.dirname, '..', 'node_modules', 'vitest', 'vitest.mjs')
  const args = [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`, ...files]
  if (project !== undefined) args.push('--project', project)
  const child = spawn(process.execPath, args, { stdio: 'inherit', cwd: join(import.meta.dirname, '..') })
  const code = await new Promise<number>((resolve) => child.once('exit', (exitCode) => resolve(exitCode ?? exitCodes.stopped)))
  try {
    const report = JSON.parse(readFileSync(reportFile, 'utf8')) as TestReport
    tellSkipped(report)
    // A file that cannot be loaded has no failed test but is a failure all the same.
    const failed = Math.max(report.numFailedTests, code === 0 ? 0 : 1)
    console.log(`${report.numPassedTests} passed, ${failed} failed, ${report.numPendingTests} skipped`)
  } catch {
    console.log('0 passed, 1 failed, 0 skipped')
    return code === 0 ? exitCodes.stopped : code
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return code
}

function tellSkipped(report: TestReport): void {
  const skipped = report.testResults.flatMap((file) =>
    file.assertionResults.filter((test) => test.status === 'pending' || test.status === 'skipped'),
  )
  for (const { fullName } of skipped.slice(0, 200)) console.log(`skipped: ${fullName}`)
}
