import type { StateCommit, StateStore, TaskId } from '../../ports/state-store.ts'
import { MemoryStateStore } from '../../runtime/memory-state-store.ts'

/** The store of one task that can go back to an earlier commit, as a failover that loses the last writes makes it. */
export class RecedingStore {
  readonly #task: TaskId
  readonly #commits: StateCommit[] = []
  #store: StateStore = new MemoryStateStore()

  constructor(task: TaskId) {
    this.#task = task
  }

  /** As it stands. */
  get store(): StateStore {
    const commits = this.#commits
    return new Proxy(this.#store, {
      get(target, name) {
        const member = Reflect.get(target, name) as unknown
        if (typeof member !== 'function') return member
        if (name !== 'commit') return member.bind(target)
        return (task: TaskId, commit: StateCommit) => {
          commits.push(commit)
          return target.commit(task, commit)
        }
      },
    })
  }

  /** Loses its last commits. */
  async goBack(count: number): Promise<void> {
    this.#commits.length = Math.max(0, this.#commits.length - count)
    this.#store = new MemoryStateStore()
    const { epoch } = await this.#store.openTask(this.#task)
    for (const commit of this.#commits) await this.#store.commit(this.#task, { ...commit, epoch })
  }
}
