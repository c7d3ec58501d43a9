/** Waits for a named condition, looking every few milliseconds; fails with its name after `limitMs`. */
export async function waitUntil(name: string, holds: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`still waiting after ${limitMs} ms: ${name}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
