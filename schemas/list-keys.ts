/** The one file that builds the keys of served values (architecture.md section 5). Braces are Redis Cluster hash tags. */
export const listKeys = {
  recommendations: (userId: string, surface: string) => `recs:{${userId}}:${surface}`,
  reserve: (userId: string, surface: string) => `recs:{${userId}}:${surface}:reserve`,
  snapshot: (userId: string, surface: string) => `recs:{${userId}}:${surface}:snapshot`,
  /** Another vendor's list of a person, under the name it was imported as, and the import that it is of. */
  imported: (userId: string, surface: string, name: string) => `recs:{${userId}}:${importedPlace(surface, name)}`,
  listImport: (surface: string, name: string) => `imported:${surface}:${name}`,
  similar: (itemId: string) => `similar:{${itemId}}`,
  together: (itemId: string) => `together:{${itemId}}`,
  /** `scope` as in TrendUpdate, e.g. `scope:all` → `trend:all`. */
  trend: (scope: string) => `trend:${scope.replace(/^scope:/, '')}`,
} as const

/** The person whose list of a surface lies under a key; null for any other key. */
export function personOfList(key: string, surface: string): string | null {
  const [front, back] = ['recs:{', `}:${surface}`]
  return key.startsWith(front) && key.endsWith(back) ? key.slice(front.length, -back.length) : null
}

/** The surface under which imported lists lie beside a person's own. */
export function importedPlace(surface: string, name: string): string {
  return `${surface}:imported:${name}`
}
