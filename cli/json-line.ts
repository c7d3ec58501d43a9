/** A record as one line of an export: bytes as base64, field names as in the schema. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value, bytesAsText)}\n`
}

/** Buffers turn themselves into `{type: 'Buffer', data}` before a replacer sees them. */
function bytesAsText(_name: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  const buffer = value as { type?: unknown; data?: unknown } | null
  return buffer?.type === 'Buffer' && Array.isArray(buffer.data) ? Buffer.from(buffer.data as number[]).toString('base64') : value
}
