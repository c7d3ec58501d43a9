import { expect, it } from 'vitest'
import { ManualClock } from '../../core/clock.ts'
import { Rest } from '../../operators/keeper/rest.ts'

/** Whether a promise has settled once all that was ready is done. */
async function isOver(promise: Promise<void>): Promise<boolean> {
  let over = false
  void promise.then(() => {
    over = true
  })
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
  return over
}

it('rests for as long as the work took, but never longer than a second', async () => {
  const clock = new ManualClock(0)
  const rest = new Rest(clock)
  const short = rest.after(async () => clock.advance(300))
  await isOver(short)
  clock.advance(299)
  expect(await isOver(short)).toBe(false)
  clock.advance(1)
  expect(await isOver(short)).toBe(true)
  const long = rest.after(async () => clock.advance(3_600_000))
  await isOver(long)
  clock.advance(1_000)
  expect(await isOver(long)).toBe(true)
})

it('ends at once when it is closed, and is none from then on', async () => {
  const rest = new Rest(new ManualClock(0))
  const resting = rest.for(60_000)
  expect(await isOver(resting)).toBe(false)
  rest.close()
  expect(await isOver(resting)).toBe(true)
  expect(await isOver(rest.for(60_000))).toBe(true)
})
