import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The folder of a data set beside the project, or null where it is missing: those may not be published with it. */
export function dataSetFolder(name: string): string | null {
  const path = fileURLToPath(new URL(`../../../shared/data/${name}`, import.meta.url))
  return existsSync(path) ? path : null
}
