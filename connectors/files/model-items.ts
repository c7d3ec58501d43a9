import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../../core/errors.ts'

/**
 * The item ids of a published model version, `<repository>/<model>/<version>/items.json`: row 1 of the model is the first of them.
 * Errors: `MILL_MODEL_INVALID` if the file is not there or is no list of texts.
 */
export async function readModelItems(repository: string, model: string, version: string): Promise<readonly string[]> {
  const path = join(repository, model, version, 'items.json')
  let items: unknown
  try {
    items = JSON.parse(await readFile(path, 'utf8'))
  } catch (cause) {
    throw new MillraceError(
      'MILL_MODEL_INVALID',
      `${path} cannot be read: give the engine the repository that the workers serve`,
      {
        cause,
      },
    )
  }
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'string'))
    throw new MillraceError('MILL_MODEL_INVALID', `${path} must be a list of item ids`)
  return items
}
