import { globoClicks } from './globo-clicks.ts'
import type { ImportFormat } from './import-format.ts'
import { mappedFile } from './mapped-file.ts'
import { movielens } from './movielens.ts'
import { onlineRetail } from './online-retail.ts'
import { sessionCsv } from './session-csv.ts'

/** Every format of `millrace import`, in the order of its help. */
export const importFormats: readonly ImportFormat[] = [movielens, sessionCsv, globoClicks, onlineRetail, mappedFile]
