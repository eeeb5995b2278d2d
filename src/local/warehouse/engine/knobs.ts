/**
 * What a test may turn on in a warehouse that runs, so that it meets what Snowpipe does not promise away. None of it is on
 * by itself, and `firn local up` has no way to it.
 */
import { Failure } from '../../../failure.ts'

export type Knobs = {
  /** load waiting files in a random order */
  readonly shuffle: boolean
  /** take every notification twice */
  readonly duplicate: boolean
  /** a file waits this long before it is loaded */
  readonly delayMs: number
  /** a regular expression: notifications of keys that match it are lost for good; null: none */
  readonly lose: string | null
  /** a regular expression: a load of a key that matches it fails and is recorded so; null: none */
  readonly fail: string | null
  /** load each file once more a little later, as may happen after a REFRESH of a pipe that was made anew */
  readonly reload: boolean
}

export const noKnobs: Knobs = { shuffle: false, duplicate: false, delayMs: 0, lose: null, fail: null, reload: false }

/** Knobs as they are after a turn. @throws Failure USAGE for one that there is not, or that cannot be turned so */
export function turned(knobs: Knobs, turn: Partial<Knobs>): Knobs {
  for (const [name, value] of Object.entries(turn)) {
    if (!Object.hasOwn(noKnobs, name)) throw new Failure('USAGE', `the development warehouse has no knob ${name}`)
    const pattern = name === 'lose' || name === 'fail'
    const fits = pattern
      ? value === null || typeof value === 'string'
      : typeof value === typeof knobs[name as keyof Knobs]
    if (!fits) throw new Failure('USAGE', `the knob ${name} cannot be ${JSON.stringify(value)}`)
    if (typeof value === 'string') matcher(name, value)
  }
  return { ...knobs, ...turn }
}

/** Whether a key is one of those that `lose` or `fail` name. */
export function isMeant(pattern: string | null, key: string): boolean {
  return pattern !== null && new RegExp(pattern, 'u').test(key)
}

function matcher(name: string, pattern: string): void {
  try {
    new RegExp(pattern, 'u')
  } catch (error) {
    throw new Failure('USAGE', `the knob ${name} is no regular expression: ${pattern}`, { cause: error })
  }
}
