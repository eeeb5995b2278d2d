/**
 * Pipes: which file goes to which pipe, and when each is loaded. Fetching and inserting one file is pipe-load.ts's.
 */

/** Turns on what Snowpipe does not promise away, so that tests meet it. */
export type Knobs = {
  /** load waiting files in a random order */
  readonly shuffle: boolean
  /** take every notification twice */
  readonly duplicate: boolean
  /** a file waits this long before it is loaded */
  readonly delayMs: number
}
