/** A schema registry with Confluent's model: subjects hold versions, every schema text has one id. Errors: `MILL_REGISTRY_UNAVAILABLE`. */
export interface SchemaRegistry {
  /** Registers under BACKWARD compatibility and returns the id; an incompatible schema is refused (`MILL_SCHEMA_INCOMPATIBLE`). */
  register(subject: string, schema: string): Promise<number>
  /** The schema text of an id, or null if the registry does not know it. */
  byId(id: number): Promise<string | null>
  /** Newest registered version of a subject, or null. */
  latest(subject: string): Promise<{ readonly id: number; readonly version: number; readonly schema: string } | null>
  close(): Promise<void>
}
