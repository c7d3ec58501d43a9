import type { UserEvent } from './user-event.ts'

/** Graded implicit feedback, 0–1 (features.md F1.3): view and click .3, like and add-to-cart .6, purchase 1, rating (r − 1)/4. */
export function eventStrength(event: Pick<UserEvent, 'type' | 'rating'>): number {
  switch (event.type) {
    case 'view':
    case 'click':
      return 0.3
    case 'like':
    case 'add_to_cart':
      return 0.6
    case 'purchase':
      return 1
    case 'rating':
      return event.rating === null ? 0 : (event.rating - 1) / 4
    default:
      return 0
  }
}
