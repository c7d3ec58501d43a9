import { Command, type Redis } from 'ioredis'

/** Keys of one step, as `redis-cli --cluster reshard` takes by default. */
const keysPerStep = 10

/** Moves a slot with its keys to the next node, as `redis-cli --cluster reshard` does; answers how many keys it held. */
export async function moveSlot(nodes: readonly Redis[], slot: number): Promise<number> {
  const ids = await Promise.all(nodes.map(async (node) => String(await node.call('CLUSTER', 'MYID'))))
  const owner = await ownerOf(nodes, slot)
  const from = nodes.findIndex((node) => node.options.port === owner)
  const to = (from + 1) % nodes.length
  await nodes[to]!.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[from]!)
  await nodes[from]!.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[to]!)
  let moved = 0
  for (;;) {
    const keys = (await nodes[from]!.call('CLUSTER', 'GETKEYSINSLOT', slot, keysPerStep)) as string[]
    if (keys.length === 0) break
    await nodes[from]!.call('MIGRATE', '127.0.0.1', nodes[to]!.options.port!, '', 0, 5_000, 'KEYS', ...keys)
    moved += keys.length
  }
  for (const node of [nodes[to]!, nodes[from]!, ...nodes]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', ids[to]!)
  return moved
}

/** The slot of a key. */
export function slotOf(key: string): number {
  return new Command('get', [key]).getSlot()
}

async function ownerOf(nodes: readonly Redis[], slot: number): Promise<number> {
  const ranges = (await nodes[0]!.call('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
  return ranges.find(([first, last]) => first <= slot && slot <= last)![2][1]
}
