import { spawn } from 'node:child_process'
import { MillraceError } from '../../core/errors.ts'

const outputCharsMax = 1024 * 1024

/** How a helper program is run: where, for how long, and under which extra environment variables. */
export interface RunCommandOptions {
  readonly cwd?: string
  readonly timeoutMs: number
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Runs a program to its end and answers what it printed (stdout and stderr together, the last 1 MiB).
 * Errors: `MILL_SERVICE_START` when it cannot be run, takes longer than `timeoutMs` or ends with another code than 0.
 */
export async function runCommand(command: string, args: readonly string[], options: RunCommandOptions): Promise<string> {
  const { timeoutMs, cwd, env } = options
  return await new Promise<string>((resolve, reject) => {
    let output = ''
    const child = spawn(command, [...args], {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      fail(`did not end within ${timeoutMs} ms`)
    }, timeoutMs)
    const collect = (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-outputCharsMax)
    }
    const fail = (why: string, cause?: unknown) => {
      clearTimeout(timer)
      const tail = output.trim().split('\n').slice(-15).join('\n')
      const text = `\`${command} ${args.slice(0, 3).join(' ')}\` ${why}${tail ? `; it last said:\n${tail}` : ''}`
      reject(new MillraceError('MILL_SERVICE_START', text, { cause, details: { command } }))
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', (cause) => fail('could not be run', cause))
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      if (code === 0) resolve(output)
      else fail(`ended with ${signal ?? code}`)
    })
  })
}
