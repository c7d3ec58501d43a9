import { describe, expect, it } from 'vitest'
import { hourInZone } from '../../algorithms/hour-in-zone.ts'

/** What the platform says the clock shows there. */
function clockIn(timeMs: number, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(timeMs)
}

describe('hourInZone', () => {
  it('shows the clock of a zone through its changes, whatever was asked before', () => {
    // Changes in March, April, October and November 2024; Lord Howe moves by half an hour, Kathmandu lies 5:45 east.
    const changes = [1_711_846_800_000, 1_712_419_200_000, 1_728_142_200_000, 1_730_610_000_000]
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'Pacific/Chatham'])
      for (const changeMs of changes)
        for (const minutes of [-901, -16, -15, -1, 0, 1, 14, 15, 29, 30, 901, -2, 3]) {
          const timeMs = changeMs + minutes * 60_000 + 31_000
          const hour = hourInZone(timeMs, zone)
          const text = `${String(Math.floor(hour)).padStart(2, '0')}:${String(Math.round((hour % 1) * 60)).padStart(2, '0')}`
          expect(`${zone} ${text}`).toBe(`${zone} ${clockIn(timeMs, zone)}`)
        }
  })

  it('takes UTC for no zone and for one nobody knows', () => {
    const timeMs = 1_700_000_000_000
    for (const zone of [null, 'UTC', 'Mars/Olympus']) expect(hourInZone(timeMs, zone)).toBeCloseTo((timeMs / 3_600_000) % 24, 9)
  })
})
