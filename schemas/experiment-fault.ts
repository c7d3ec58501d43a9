import { assignmentHashes } from '../core/assignment.ts'
import { type Experiment, experimentPolicies, makesLists } from './experiment.ts'
import { experimentMetrics } from './experiment-metric.ts'
import { importedName } from './imported-list.ts'
import { devices } from './user-event.ts'

/** Most variants of an experiment, and most experiments that may run at once: each costs work per list and state per person. */
export const variantsMax = 20
export const experimentsMax = 50

const idPattern = /^[A-Za-z0-9._-]{1,64}$/
const idWords = 'write 1–64 letters, digits, dots, dashes or underscores'

/** What is wrong with an experiment, with the field and how to mend it; null if nothing is. */
export function experimentFault(experiment: Experiment): string | null {
  const { id, layer, layerFrom, layerTo, coverage, alpha, tunedFor, fromMs, toMs } = experiment
  if (!idPattern.test(id)) return `field "id": ${idWords}`
  if (!idPattern.test(layer)) return `field "layer": ${idWords}`
  if (!(layerFrom >= 0 && layerFrom < layerTo && layerTo <= 1))
    return `fields "layerFrom" and "layerTo" are ${layerFrom} and ${layerTo}; they must rise within 0–1`
  if (!(coverage >= 0 && coverage <= 1)) return `field "coverage" is ${coverage}; it must lie in 0–1`
  if (!assignmentHashes.includes(experiment.hash))
    return `field "hash" is "${experiment.hash}"; there are ${assignmentHashes.join(', ')}`
  if (!(alpha > 0 && alpha < 0.5)) return `field "alpha" is ${alpha}; it must lie between 0 and 0.5`
  if (!Number.isSafeInteger(tunedFor) || tunedFor < 1) return `field "tunedFor" is ${tunedFor}; write a number of people, ≥ 1`
  if (fromMs !== null && toMs !== null && fromMs >= toMs) return 'field "to" must be later than "from"'
  return variantsFault(experiment) ?? listsFault(experiment) ?? measuresFault(experiment) ?? devicesFault(experiment)
}

/** What is wrong with an experiment beside others that run: its part of a layer overlaps theirs, or there are too many. Null if nothing. */
export function overlapFault(experiment: Experiment, others: readonly Experiment[]): string | null {
  if (experiment.state === 'stopped') return null
  const running = others.filter(({ id, state }) => id !== experiment.id && state === 'running')
  if (running.length >= experimentsMax) return `${experimentsMax} experiments run already: stop some`
  const taken = running.find(
    ({ layer, layerFrom, layerTo }) =>
      layer === experiment.layer && layerFrom < experiment.layerTo && experiment.layerFrom < layerTo,
  )
  return taken
    ? `its part ${experiment.layerFrom}–${experiment.layerTo} of layer "${taken.layer}" overlaps ${taken.id} (${taken.layerFrom}–${taken.layerTo}): take another part, another layer, or stop that one`
    : null
}

/** Why an experiment may not become another one: a changed split would move people between variants. Null if it may. */
export function changeFault(before: Experiment, after: Experiment): string | null {
  const split = ({ layer, hash, variants }: Experiment) =>
    JSON.stringify([layer, hash, variants.map(({ name, weight }) => [name, weight])])
  return split(before) === split(after)
    ? null
    : `its layer, its hash, or the names, weights or order of its variants, differ from what is set: people would move between variants; take another id`
}

function variantsFault({ variants, control, holdout }: Experiment): string | null {
  const names = new Set(variants.map(({ name }) => name))
  if (variants.length < 2 || variants.length > variantsMax)
    return `field "variants" has ${variants.length}; write 2–${variantsMax}, one of them the control`
  if (names.size < variants.length) return 'field "variants": two have the same name'
  for (const { name, weight, policy } of variants) {
    if (!idPattern.test(name)) return `field "variants": the name "${name}" is wrong: ${idWords}`
    if (!(weight >= 0 && Number.isFinite(weight))) return `variant "${name}": field "weight" is ${weight}; it must not be below 0`
    if (policy !== null && !experimentPolicies.includes(policy as never) && importedName(policy) === null)
      return `variant "${name}": field "policy" is "${policy}"; there are ${experimentPolicies.join(', ')}, imported:<name of imported lists>, or null`
  }
  if (!variants.some(({ weight }) => weight > 0)) return 'field "variants": all weights are 0'
  if (!names.has(control)) return `field "control": there is no variant "${control}"`
  if (holdout !== null && !names.has(holdout)) return `field "holdout": there is no variant "${holdout}"`
  return null
}

/** Lists are made before anybody asks: what only a request tells cannot decide how. */
function listsFault(experiment: Experiment): string | null {
  if (!makesLists(experiment)) return null
  for (const field of ['regions', 'devices'] as const)
    if (experiment[field].length > 0)
      return `field "${field}": lists are made before a request tells where it comes from; leave it out where a variant has "settings"`
  const other = experiment.variants.find(({ policy }) => policy !== null && policy !== 'learned')
  return other === undefined
    ? null
    : `variant "${other.name}": field "policy" is "${other.policy}" beside "settings" for own lists: people without one would be counted in it alone; write two experiments`
}

function measuresFault({ measures }: Experiment): string | null {
  const known = Object.keys(experimentMetrics)
  if (measures.length === 0) return `field "measures" is empty; name at least one of ${known.join(', ')}`
  const seen = new Set<string>()
  for (const { metric, lossMax } of measures) {
    if (!known.includes(metric)) return `field "measures": there is no metric "${metric}"; there are ${known.join(', ')}`
    if (seen.has(metric)) return `field "measures" names ${metric} twice`
    seen.add(metric)
    if (lossMax !== null && !(lossMax >= 0 && lossMax < 1))
      return `measure "${metric}": field "lossMax" must lie in 0–1, not ${lossMax}`
  }
  return null
}

function devicesFault(experiment: Experiment): string | null {
  const unknown = experiment.devices.find((device) => !devices.includes(device))
  return unknown === undefined ? null : `field "devices": there is no device "${unknown}"; there are ${devices.join(', ')}`
}
