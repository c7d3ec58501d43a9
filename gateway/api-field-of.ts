/** The name in our JSON of a schema's field: snake_case, and times without their unit because they are RFC 3339 text. */
export function apiFieldOf(field: string): string {
  return field === 'timeMs' ? 'time' : field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
