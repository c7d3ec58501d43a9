import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { freePort } from './free-port.ts'
import { installedProgram } from './install-package.ts'
import type { Service, ServiceOptions } from './service.ts'
import { type ServiceProcess, startProcess } from './service-process.ts'

const startTimeoutMs = 20_000
const replyTimeoutMs = 2_000

/**
 * Starts one real Redis on 127.0.0.1. Detached, it keeps an append-only file, so a restart finds the state again.
 * Errors: `MILL_SERVICE_START` with the reason and the last log lines.
 */
export async function startRedis(options: ServiceOptions): Promise<Service> {
  const port = await freePort(options.port ?? 0, 'redis')
  const process = await startRedisServer({ ...options, port, name: 'redis', extraArgs: [] })
  return { kind: 'redis', address: `redis://127.0.0.1:${port}`, processes: [process] }
}

/** Starts one `redis-server` process and waits for its PONG. */
export async function startRedisServer(
  options: ServiceOptions & { readonly port: number; readonly name: string; readonly extraArgs: readonly string[] },
): Promise<ServiceProcess> {
  const { dir, port, detached, log, name, extraArgs } = options
  const binary = await installedProgram('redis-server', 'redis-server', log)
  mkdirSync(dir, { recursive: true })
  const durability = detached ? ['--appendonly', 'yes', '--appendfsync', 'everysec'] : ['--appendonly', 'no']
  return await startProcess({
    name,
    command: binary,
    args: ['--bind', '127.0.0.1', '--port', String(port), '--dir', dir, '--save', '', ...durability, ...extraArgs],
    cwd: dir,
    logFile: join(dir, `${name}.log`),
    detached,
    ready: async () => (await redisCommand(port, 'PING')).startsWith('+PONG'),
    timeoutMs: startTimeoutMs,
  })
}

/**
 * Sends one inline command and answers the raw reply of at most one read: enough for set-up and probes, not a client.
 * Errors: `MILL_SERVICE_START` when there is no reply within 2 s or the reply is an error.
 */
export async function redisCommand(port: number, command: string, host = '127.0.0.1'): Promise<string> {
  return await new Promise<string>((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(`${command}\r\n`))
    const fail = (why: string) => {
      socket.destroy()
      reject(new MillraceError('MILL_SERVICE_START', `redis on ${host}:${port} did not take ${command}: ${why}`))
    }
    socket.setTimeout(replyTimeoutMs, () => fail('no reply'))
    socket.once('error', (error) => fail(error.message))
    socket.once('data', (data) => {
      const reply = data.toString('utf8')
      if (reply.startsWith('-')) return fail(reply.trim())
      socket.destroy()
      resolve(reply)
    })
  })
}
