/** What a person sees: the shop asks, somebody answers with a list. */
export interface ShowRequest {
  readonly userId: string
  readonly surface: 'home'
  /** Slots to fill. */
  readonly count: number
  /** Simulated time of the page view, ms since 1970. */
  readonly timeMs: number
}

/** The list that was shown, best first. */
export interface ShownList {
  /** Clicks on it carry this id. */
  readonly listId: string
  /** Who made it: the key of its click-through. */
  readonly policy: string
  readonly items: readonly string[]
}

/**
 * Whoever fills the home page of the synthetic shop. An answer with fewer items than asked for, or none, is taken as it is. A
 * rejection whose reaction is retry or degrade is a page without recommendations (counted); any other stops the shop.
 */
export interface Storefront {
  show(request: ShowRequest): Promise<ShownList>
}
