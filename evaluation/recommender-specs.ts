import type { RecommenderSpec } from './recommender.ts'
import { popularity } from './recommenders/popularity.ts'

/** Every algorithm of `millrace evaluate`, in the order of its help. */
export const recommenderSpecs: readonly RecommenderSpec[] = [popularity]
