import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../../core/errors.ts'

/**
 * A number that a published model version was trained with: `parameters.<name>` of `<repository>/<model>/<version>/run.json`.
 * Errors: `MILL_MODEL_INVALID` if the file is not there or does not have it.
 */
export async function readModelParameter(repository: string, model: string, version: string, name: string): Promise<number> {
  const path = join(repository, model, version, 'run.json')
  let run: { readonly parameters?: Readonly<Record<string, unknown>> }
  try {
    run = JSON.parse(await readFile(path, 'utf8')) as typeof run
  } catch (cause) {
    throw new MillraceError(
      'MILL_MODEL_INVALID',
      `${path} cannot be read: give the engine the repository that the workers serve`,
      {
        cause,
      },
    )
  }
  const value = run.parameters?.[name]
  if (typeof value !== 'number') throw new MillraceError('MILL_MODEL_INVALID', `${path} has no number "parameters.${name}"`)
  return value
}
