import type { ServedList } from '../schemas/served-list.ts'
import type { ExplainedItem } from './explain-list.ts'
import type { FeatureContribution, ScoreExplanation } from './feature-contributions.ts'
import { printTable } from './print.ts'
import type { SinceWritten } from './since-written.ts'
import type { WhyNot } from './why-not.ts'

/** Contributions shown beside an item of a whole list. */
const strongest = 3

/** Prints why the items of a stored list are on it; one item comes with all its contributions. */
export function tellList(
  list: Omit<ServedList, 'items'>,
  items: readonly ExplainedItem[],
  reserve: number,
  whole: boolean,
): void {
  const model = list.modelVersion === '' ? '' : `, model ${list.modelVersion}`
  console.log(
    `${list.listId} for ${list.userId} on ${list.surface}, rung ${list.rung}${model}, made ${new Date(list.generatedMs).toISOString()}`,
  )
  const rows = items.map((item) => [
    item.inReserve ? `reserve ${item.place}` : item.place,
    item.itemId,
    item.score.toFixed(4),
    item.sources.join(' '),
    because(item),
    `${item.propensity.toFixed(3)}${item.explored ? ' explored' : ''}`,
    item.explanation?.contributions.slice(0, strongest).map(short).join(' ') ?? null,
  ])
  printTable(['place', 'item', 'score', 'sources', 'because', 'propensity', 'what moved its score most'], rows, 'it is empty')
  for (const { ruleId, kind, itemId } of list.rules ?? [])
    console.log(itemId === null ? `rule ${ruleId} could not be kept` : `rule ${ruleId}: ${itemId} ${kind}`)
  const explanation = items.find((item) => item.explanation)?.explanation
  if (explanation) console.log(method(explanation))
  if (list.personalShare < 1)
    console.log(
      `own events have ${Math.round(100 * list.personalShare)} % of the say in the order; choices, group and trend have the rest (scores are points)`,
    )
  if (explanation?.method === 'shapley' && explanation.modelVersion !== list.modelVersion)
    console.log(
      `model ${explanation.modelVersion} answers now, and the list was made by ${list.modelVersion}: scores differ from those above`,
    )
  if (!explanation) console.log('no features are stored for these items: their scores cannot be taken apart')
  if (whole) for (const item of items) if (item.explanation) tellContributions(item.explanation)
  console.log(`${reserve} more in reserve`)
}

/** What `tellAbsence` prints. */
export interface Absence extends Omit<WhyNot, 'items'> {
  readonly userId: string
  readonly surface: string
  readonly stored: SinceWritten | null
}

/** Prints at which stage an item ended. */
export function tellAbsence(answer: Absence): void {
  const { stored, itemId } = answer
  console.log(`${itemId} for ${answer.userId} on ${answer.surface}: ${answer.detail}`)
  if (stored) {
    const held =
      stored.place !== null
        ? `holds it at place ${stored.place}`
        : stored.reserve !== null
          ? `has it in reserve at ${stored.reserve}`
          : 'has it neither on it nor in reserve'
    console.log(
      `the stored list ${stored.listId} ${held}; a list made now has the same item at ${stored.same} of ${stored.of} places`,
    )
    if (stored.since !== '') console.log(stored.since)
  } else console.log('no list is stored')
  printTable(
    ['stage', 'passed', 'what happened'],
    answer.stages.map(({ stage, passed, detail }) => [stage, passed ? 'yes' : 'no', detail]),
    '',
  )
  if (answer.sources.length > 0)
    printTable(
      ['source', 'brings it', 'score', 'place', 'why not'],
      answer.sources.map(({ source, brings, score, place, why }) => [
        source,
        brings ? 'yes' : 'no',
        score?.toFixed(4),
        place,
        why || null,
      ]),
      '',
    )
  if (answer.explanation) {
    console.log(method(answer.explanation))
    tellContributions(answer.explanation)
  }
}

function because(item: ExplainedItem): string {
  if (!item.follows) return item.because
  return `${item.because} (${item.follows.type} at ${new Date(item.follows.timeMs).toISOString()})`
}

function method({ method, base, draws, modelVersion }: ScoreExplanation): string {
  const mean = `against the mean score ${base.toFixed(4)} of the`
  if (method === 'tree-shap')
    return `contributions: exact SHAP values (tree-shap) of the trees of model ${modelVersion}, in the trees' own score, ${mean} rows they learned from`
  const how =
    method === 'exact' ? 'exact products of the linear score' : `Shapley values by ${draws} walks over model ${modelVersion}`
  return `contributions: ${how}, ${mean} first items of the list`
}

function tellContributions({ base, score, contributions }: ScoreExplanation): void {
  const rows = contributions.map(({ feature, value, contribution, error }) => [
    feature,
    value.toFixed(4),
    signed(contribution),
    error === 0 ? '0' : error.toFixed(5),
  ])
  printTable(['feature', 'value', 'contribution', 'standard error'], rows, 'it has the features of the mean')
  console.log(`base ${base.toFixed(4)} + contributions ${signed(score - base)} = score ${score.toFixed(4)}`)
}

function short({ feature, contribution }: FeatureContribution): string {
  return `${feature} ${signed(contribution)}`
}

function signed(value: number): string {
  return `${value < 0 ? '' : '+'}${value.toFixed(4)}`
}
