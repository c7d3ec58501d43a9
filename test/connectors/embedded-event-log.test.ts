import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedEventLog } from '../../connectors/embedded/event-log.ts'
import { eventLogConformance } from '../conformance/event-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-log-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

eventLogConformance('embedded', {
  strictHandover: true,
  async open() {
    const database = openEmbeddedDatabase(join(folder, 'log.db'))
    const log = new EmbeddedEventLog(database)
    const close = log.close.bind(log)
    return Object.assign(log, {
      close: async () => {
        await close()
        database.close()
      },
    })
  },
})
