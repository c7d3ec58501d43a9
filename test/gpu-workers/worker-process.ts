import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../gpu-workers/main.ts', import.meta.url))

/** gpu-workers/main.ts as a process of its own. */
export class WorkerProcess {
  readonly child: ChildProcess
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>
  stdout = ''
  stderr = ''

  constructor(...args: string[]) {
    this.child = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.child.stdout!.on('data', (text) => (this.stdout += text))
    this.child.stderr!.on('data', (text) => (this.stderr += text))
    this.exited = once(this.child, 'close').then(([code, signal]) => ({ code, signal }))
  }

  /** Starts a worker over a repository on free ports, or on `port`, and waits until it says that it is ready. */
  static async start(repository: string, port = 0): Promise<WorkerProcess> {
    const worker = new WorkerProcess('--repository', repository, '--port', String(port), '--http-port', '0', '--stdin-lease')
    const ready = new Promise<void>((resolve) => {
      worker.child.stdout!.on('data', () => worker.stdout.includes('\n') && resolve())
    })
    await Promise.race([ready, worker.exited])
    if (!worker.stdout.includes('"ready":true')) throw new Error(`the worker did not start: ${worker.stderr}`)
    return worker
  }

  get ready(): { readonly address: string; readonly port: number; readonly httpPort: number } {
    return JSON.parse(this.stdout)
  }

  /** Requests it had answered when it drained, by its own log. */
  get answered(): number {
    const line = this.stderr.split('\n').find((text) => text.includes('has drained'))
    return JSON.parse(line!).requests
  }
}
