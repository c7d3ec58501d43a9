import { writeFile } from 'node:fs/promises'
import { MillraceError } from '../core/errors.ts'

/** Writes a chart to where `--plot` says. Errors: `MILL_USAGE` where it cannot be written. */
export async function writePlot(path: string, svg: string): Promise<void> {
  await writeFile(path, svg).catch((cause) => {
    throw new MillraceError('MILL_USAGE', `--plot ${path} cannot be written: ${(cause as Error).message}`, { cause })
  })
}
