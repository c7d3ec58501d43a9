import { Shop } from './shop.ts'
import type { ShopOptions } from './shop-options.ts'

/** Opens a synthetic shop at its first simulated moment. Errors: `MILL_CONFIG_INVALID` naming the option. */
export function createShop(options: ShopOptions): Shop {
  return new Shop(options)
}
