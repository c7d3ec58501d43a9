import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { BenchOptions } from './bench-options.ts'

/**
 * A program of this folder as a process of its own; it answers any message with a report on the time since the last one. With
 * `--profile DIR` its CPU profile lies there at the end (`.cpuprofile`, for the developer tools of a browser).
 */
export class Program<Ready, Report> {
  readonly ready: Ready
  readonly #child: ChildProcess
  /** What it sent before somebody took its messages. */
  #kept: unknown[] | undefined = []

  private constructor(child: ChildProcess, ready: Ready) {
    this.#child = child
    this.ready = ready
    child.on('message', (message) => this.#kept?.push(message))
  }

  /** Starts `bench/<file>` and waits for its first message; it ends with the run. Errors: it ended before. */
  static async start<Ready, Report>(
    options: BenchOptions,
    file: string,
    ...args: readonly string[]
  ): Promise<Program<Ready, Report>> {
    const profiles = options.text('profile', '')
    const execArgv = profiles === '' ? [] : ['--cpu-prof', '--cpu-prof-dir', profiles]
    const child = fork(join(import.meta.dirname, file), [...args], { execArgv })
    const gone = once(child, 'exit')
    options.onEnd(async () => {
      if (child.connected) child.disconnect()
      await gone
    })
    return await new Promise((resolve, reject) => {
      // At once: the next message may be read before a promise is.
      child.once('message', (ready) => resolve(new Program<Ready, Report>(child, ready as Ready)))
      void gone.then(() => reject(new Error(`bench/${file} ended before it was ready`)))
    })
  }

  /** Takes every message after the first. */
  onMessage(take: (message: unknown) => void): void {
    for (const message of this.#kept ?? []) take(message)
    this.#kept = undefined
    this.#child.on('message', take)
  }

  /** What happened since it was last asked. */
  async report(): Promise<Report> {
    const answer = once(this.#child, 'message')
    this.#child.send('report')
    return (await answer)[0] as Report
  }
}
