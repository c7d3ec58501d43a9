import type { RecommenderSpec } from './recommender.ts'
import { ar } from './recommenders/ar.ts'
import { popularity } from './recommenders/popularity.ts'
import { sr } from './recommenders/sr.ts'
import { stan } from './recommenders/stan.ts'
import { trend } from './recommenders/trend.ts'
import { vmisKnn } from './recommenders/vmis-knn.ts'
import { vsknn } from './recommenders/vsknn.ts'

/** Every algorithm of `millrace evaluate`, in the order of its help; settings are checked against the defaults before use. */
export const recommenderSpecs = [
  popularity,
  trend,
  ar,
  sr,
  vsknn,
  vmisKnn,
  stan,
] as readonly unknown[] as readonly RecommenderSpec[]
