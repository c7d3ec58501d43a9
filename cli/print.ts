import Table from 'cli-table3'

/** One JSON value on standard output. */
export function printJson(value: unknown): void {
  console.log(
    JSON.stringify(value, (_name, inner) => (inner instanceof Uint8Array ? Buffer.from(inner).toString('base64') : inner), 2),
  )
}

/** A table without lines between rows, for people and `awk`; `empty` is said instead of a table without rows. */
export function printTable(head: readonly string[], rows: readonly (readonly unknown[])[], empty: string): void {
  if (rows.length === 0) {
    console.log(empty)
    return
  }
  const plain = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
  }
  const lines = { left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' }
  const style = { 'padding-left': 0, 'padding-right': 0, head: [], border: [] }
  const table = new Table({ head: [...head], chars: { ...plain, ...lines }, style })
  for (const row of rows) table.push(row.map((cell) => (cell === null || cell === undefined ? '–' : String(cell))))
  console.log(table.toString().replaceAll(/ +$/gm, ''))
}
