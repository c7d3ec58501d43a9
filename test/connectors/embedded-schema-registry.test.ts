import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedSchemaRegistry } from '../../connectors/embedded/schema-registry.ts'
import { schemaRegistryConformance } from '../conformance/schema-registry.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-registry-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

schemaRegistryConformance('embedded', async () => {
  const database = openEmbeddedDatabase(join(folder, 'registry.db'))
  return Object.assign(new EmbeddedSchemaRegistry(database), {
    close: async () => database.close(),
  })
})
