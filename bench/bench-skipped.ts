/** Thrown by a benchmark that cannot run here, with the reason. */
export class BenchSkipped extends Error {}
