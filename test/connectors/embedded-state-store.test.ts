import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedStateStore } from '../../connectors/embedded/state-store.ts'
import { stateStoreConformance } from '../conformance/state-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-state-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

stateStoreConformance('embedded', async () => {
  const database = openEmbeddedDatabase(join(folder, 'state.db'))
  const store = new EmbeddedStateStore(database)
  return Object.assign(store, {
    close: async () => database.close(),
  })
})
