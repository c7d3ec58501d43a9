/** The toy of the golden MMR and DPP orders: f_i = [1, cos i, sin i, cos 2i] / ‖·‖, q_i = 1 − .05 i, similarity F Fᵀ. */
export const toyQuality: Float64Array = Float64Array.from({ length: 10 }, (_, i) => 1 - 0.05 * i)

const features = Array.from({ length: 10 }, (_, i) => {
  const raw = [1, Math.cos(i), Math.sin(i), Math.cos(2 * i)]
  const norm = Math.hypot(...raw)
  return raw.map((value) => value / norm)
})

export function toySimilarity(a: number, b: number): number {
  return features[a]!.reduce((sum, value, n) => sum + value * features[b]![n]!, 0)
}
