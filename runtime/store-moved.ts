/** What was read belongs to another epoch or to other positions than the task's: a newer owner has it, or the store went back. */
export class StoreMoved extends Error {
  constructor() {
    super('the store holds another epoch or other positions')
  }
}
