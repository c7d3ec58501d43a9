import { invariant } from '../../core/invariant.ts'
import type { TaskId } from '../../ports/state-store.ts'

/** The hash with a task's epoch and positions; its hash tag puts all keys of the task into one slot. */
export function taskKey({ topology, partition }: TaskId): string {
  invariant(!/[{}]/.test(topology), `topology "${topology}" must not contain braces: they delimit the hash tag of its keys`)
  return `{${topology}.${partition}}`
}

/** What every state key of a task begins with. */
export function statePrefix(task: TaskId): string {
  return `${taskKey(task)}:`
}

/** The set of partition numbers a topology has progress for. */
export function tasksKey(topology: string): string {
  return `tasks:${topology}`
}

/** A glob pattern that matches exactly the keys that begin with `prefix`. */
export function patternOf(prefix: string): string {
  return `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`
}
