import cliProgress from 'cli-progress'

/** A progress bar on standard error, or nothing at all. */
export interface EvaluationBar {
  /** `share` of the step done, 0–1. */
  update(step: string, share: number, questions: number): void
  stop(): void
}

/** Draws only if `visible`. */
export function evaluationBar(visible: boolean): EvaluationBar {
  if (!visible) return { update: () => {}, stop: () => {} }
  const bar = new cliProgress.SingleBar(
    {
      format: '{bar} {percentage} %  {step}  {questions} questions  {eta_formatted} left',
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
    },
    cliProgress.Presets.shades_classic,
  )
  let running = ''
  return {
    update(step, share, questions) {
      if (running !== step) {
        if (running !== '') bar.stop()
        bar.start(1000, 0, { step, questions })
        running = step
      }
      bar.update(Math.round(share * 1000), { step, questions })
    },
    stop() {
      if (running !== '') bar.stop()
      running = ''
    },
  }
}
