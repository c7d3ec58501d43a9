import { Type } from '@sinclair/typebox'

/** A field of the configuration with one of some names; its type is theirs. */
export function oneOf<const T extends string>(
  values: readonly T[],
  options: { readonly default: T; readonly description: string },
) {
  return Type.Unsafe<T>(
    Type.Union(
      values.map((value) => Type.Literal(value)),
      options,
    ),
  )
}
