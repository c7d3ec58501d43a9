import type { Stack } from '../../e2e/stack.ts'

/** Rungs of the lists made from now on, read once each: nothing is read twice while a test waits. */
export class MadeRungs {
  readonly seen = new Set<string>()
  readonly #stack: Stack
  #read: readonly number[]

  private constructor(stack: Stack, read: readonly number[]) {
    this.#stack = stack
    this.#read = read
  }

  static async from(stack: Stack): Promise<MadeRungs> {
    return new MadeRungs(stack, await endsOf(stack))
  }

  /** Reads what came since the last call; answers whether a list of that rung was made at all. */
  async has(rung: string): Promise<boolean> {
    const { log, wire } = this.#stack.ports
    const ends = await endsOf(this.#stack)
    for (const [partition, to] of ends.entries())
      for await (const { records } of log.read('recommendations', partition, { from: this.#read[partition]!, to }))
        for (const { value } of records) this.seen.add(wire.decode('recommendations', value!).rung)
    this.#read = ends
    return this.seen.has(rung)
  }
}

async function endsOf({ ports }: Stack): Promise<readonly number[]> {
  return (await ports.log.offsets('recommendations')).map(({ end }) => end)
}
