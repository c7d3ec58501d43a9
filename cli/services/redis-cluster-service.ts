import { join } from 'node:path'
import { MillraceError } from '../../core/errors.ts'
import { freePort } from './free-port.ts'
import { redisCommand, startRedisServer } from './redis-service.ts'
import type { Service, ServiceOptions } from './service.ts'
import type { ServiceProcess } from './service-process.ts'

const formTimeoutMs = 30_000
/** Three masters share the 16,384 slots. */
const slotRanges = ['0 5460', '5461 10922', '10923 16383'] as const

/**
 * Starts a real Redis Cluster of three masters on 127.0.0.1 and waits until every node sees all slots served. A given `port` is the
 * first of three consecutive ones.
 * Errors: `MILL_SERVICE_START` with the reason and the last log lines.
 */
export async function startRedisCluster(options: ServiceOptions): Promise<Service> {
  const nodes: { process: ServiceProcess; port: number; busPort: number }[] = []
  try {
    for (const index of slotRanges.keys()) {
      const port = await freePort(options.port ? options.port + index : 0, 'redis-cluster')
      const busPort = await freePort(0, 'redis-cluster bus')
      const name = `redis-cluster-${index}`
      const clusterArgs = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '3000']
      const dir = join(options.dir, String(index))
      const process = await startRedisServer({ ...options, dir, port, name, extraArgs: clusterArgs })
      nodes.push({ process, port, busPort })
    }
    await form(nodes)
  } catch (error) {
    await Promise.all(nodes.map(({ process }) => process.stop()))
    throw error
  }
  const address = nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')
  return { kind: 'redis-cluster', address, processes: nodes.map(({ process }) => process) }
}

/** True when the node on `port` sees the whole cluster served. */
export async function redisClusterAnswers(port: number): Promise<boolean> {
  const info = await redisCommand(port, 'CLUSTER INFO')
  return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3') && info.includes('cluster_size:3')
}

async function form(nodes: readonly { port: number; busPort: number }[]): Promise<void> {
  const first = nodes[0]!
  for (const [index, node] of nodes.entries()) {
    const info = await redisCommand(node.port, 'CLUSTER INFO')
    if (!info.includes('cluster_slots_assigned:0')) continue // A restart: the node has its slots from its own nodes.conf.
    await redisCommand(node.port, `CLUSTER ADDSLOTSRANGE ${slotRanges[index]}`)
    await redisCommand(node.port, `CLUSTER SET-CONFIG-EPOCH ${index + 1}`)
  }
  // Bus ports change at every start, so the nodes are introduced to each other each time.
  for (const node of nodes.slice(1)) await redisCommand(node.port, `CLUSTER MEET 127.0.0.1 ${first.port} ${first.busPort}`)
  const deadlineMs = Date.now() + formTimeoutMs
  for (const { port } of nodes) {
    while (!(await redisClusterAnswers(port))) {
      if (Date.now() > deadlineMs) {
        throw new MillraceError('MILL_SERVICE_START', `the three redis-cluster nodes did not agree within ${formTimeoutMs} ms`)
      }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}
