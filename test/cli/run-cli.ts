import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../core/clock.ts'

export const projectFolder = join(import.meta.dirname, '..', '..')
const waitMsMax = 60_000

/** What a finished command left. */
export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder with an embedded database of its own, in which the command runs as a child process. */
export class CliFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
  readonly #children = new Set<ChildProcess>()

  /** Runs a command to its end. */
  async run(...args: readonly string[]): Promise<CliResult> {
    return await this.start(...args).ended
  }

  /** Runs a command with `--json` and reads its answer. */
  async json(...args: readonly string[]): Promise<{ code: number | null; value: never; stderr: string }> {
    const { code, stdout, stderr } = await this.run(...args, '--json')
    return { code, value: (stdout === '' ? undefined : JSON.parse(stdout)) as never, stderr }
  }

  /** Starts a command. */
  start(...args: readonly string[]): RunningCli {
    return this.startProgram(process.execPath, join(projectFolder, 'cli', 'main.ts'), ...args)
  }

  /** Starts the command with another Node or through another file. */
  startProgram(program: string, ...args: readonly string[]): RunningCli {
    const environment = {
      ...process.env,
      MILLRACE_EMBEDDED_PATH: join(this.path, 'test.db'),
      NO_COLOR: '1',
      MILLRACE_PARTITIONS: '4',
    }
    const child = spawn(program, [...args], { cwd: this.path, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#children.add(child)
    child.once('exit', () => this.#children.delete(child))
    return new RunningCli(child)
  }

  /** Ends what still runs and removes the folder. */
  async close(): Promise<void> {
    for (const child of this.#children) {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    }
    await rm(this.path, { recursive: true, force: true })
  }
}

/** A command under way. */
export class RunningCli {
  readonly child: ChildProcess
  readonly ended: Promise<CliResult>
  #stdout = ''
  #stderr = ''
  #changed = () => {}

  constructor(child: ChildProcess) {
    this.child = child
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text
      this.#changed()
    })
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#changed()
    })
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => {
        resolve({ code, stdout: this.#stdout, stderr: this.#stderr })
        this.#changed()
      })
    })
  }

  /** Waits until its output (both streams) matches; fails with the output if it ends or a minute passes first. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const untilMs = systemClock.elapsedMs() + waitMsMax
    for (;;) {
      const found = pattern.exec(this.#stdout + this.#stderr)
      if (found) return found
      if (this.child.exitCode !== null || systemClock.elapsedMs() > untilMs)
        throw new Error(`it never said ${pattern}:\n${this.#stdout}${this.#stderr}`)
      await new Promise<void>((resolve) => {
        const cancel = systemClock.after(1000, resolve)
        this.#changed = () => {
          cancel()
          resolve()
        }
      })
    }
  }
}
