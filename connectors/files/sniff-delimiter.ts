import { type InputFile, readChunks } from './input-files.ts'

const candidates = ['\t', ',', ';', '|'] as const

/** The delimiter that occurs most often in the first line outside quotes; a comma when none does. */
export async function sniffDelimiter(file: InputFile): Promise<string> {
  let head = ''
  for await (const chunk of readChunks(file, () => {})) {
    head = chunk.toString('utf8')
    break
  }
  const line = head.split('\n', 1)[0]!.replaceAll(/"[^"]*"/g, '')
  let best: string = ','
  let bestCount = 0
  for (const candidate of candidates) {
    const count = line.split(candidate).length - 1
    if (count > bestCount) [best, bestCount] = [candidate, count]
  }
  return best
}
