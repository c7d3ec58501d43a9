import { afterAll } from 'vitest'
import { openEmbeddedDatabase } from '../../connectors/embedded/database.ts'
import { EmbeddedListStore } from '../../connectors/embedded/list-store.ts'
import { listKeeperConformance } from '../conformance/list-keeper.ts'

const database = openEmbeddedDatabase(':memory:')
afterAll(() => database.close())

listKeeperConformance('the embedded file', async () => new EmbeddedListStore(database))
