/**
 * How a member of a group asks for more: in which order a fetch names partitions, and with which patience. How long that is, is
 * ingest/'s to say.
 */

export type FetchPatience = {
  readonly waitMs: number
  readonly bytesMin: number
  /** whether the next fetch may be asked for while one is taken */
  readonly ahead: boolean
}

export type TopicNumbers = { readonly topic: string; readonly partitions: readonly number[] }

const fetches = new WeakMap<object, number>()

/** The same partitions, another one first for each call of the same `asker`. */
export function inTurn(asker: object, topics: readonly TopicNumbers[]): readonly TopicNumbers[] {
  const turn = fetches.get(asker) ?? 0
  fetches.set(asker, turn + 1)
  // Each topic begins with another partition whenever its turn comes, however many of either there are.
  const round = Math.floor(turn / Math.max(1, topics.length))
  const turned = topics.map(({ topic, partitions }) => ({ topic, partitions: rotated(partitions, round) }))
  return rotated(turned, turn)
}

function rotated<T>(all: readonly T[], by: number): readonly T[] {
  const start = all.length === 0 ? 0 : by % all.length
  return [...all.slice(start), ...all.slice(0, start)]
}
