/** Words of a text: lower case, letters and digits only, at least two characters; the same for items and queries. */
export function tokensOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? []
}
