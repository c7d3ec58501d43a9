import type { RecommenderSpec } from './recommender.ts'
import { als } from './recommenders/als.ts'
import { ar } from './recommenders/ar.ts'
import { biasedMf } from './recommenders/biased-mf.ts'
import { blend } from './recommenders/blend.ts'
import { complements } from './recommenders/complements.ts'
import { content } from './recommenders/content.ts'
import { ease } from './recommenders/ease.ts'
import { engine } from './recommenders/engine.ts'
import { itemKnn } from './recommenders/item-knn.ts'
import { learned } from './recommenders/learned.ts'
import { popularity } from './recommenders/popularity.ts'
import { sr } from './recommenders/sr.ts'
import { stan } from './recommenders/stan.ts'
import { trend } from './recommenders/trend.ts'
import { userKnn } from './recommenders/user-knn.ts'
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
  itemKnn,
  userKnn,
  ease,
  als,
  biasedMf,
  content,
  complements,
  blend,
  engine,
  learned,
] as readonly unknown[] as readonly RecommenderSpec[]
