/**
 * Evidence for tests of the judges: a topic of which all is known and all is well, and files in it.
 */
import type { LandedFile, MergedFile, StagedFile, TableEvidence, TopicEvidence } from '../../src/evidence.ts'
import { type LandingName, landingKey } from '../../src/landing.ts'

export const dayMs = 24 * 3600 * 1000
export const askedAt = new Date('2026-06-01T12:00:00Z')
export const ago = (ms: number): Date => new Date(askedAt.getTime() - ms)

export function nameOf(
  first: number,
  last: number,
  { partition = 0, epoch = 1, run = null as string | null } = {},
): LandingName {
  const file = { topic: 't', epoch, partition, range: { first: BigInt(first), last: BigInt(last) } }
  const name = landingKey('', file)
  return { name: run === null ? name : name.replace('t/', `t/run-${run}/`), file, run }
}

/** Staged, loaded and merged an hour ago, with as many rows as offsets. */
export const stagedFile = (name: LandingName, age = 3_600_000): StagedFile => ({
  ...name,
  storedAt: ago(age),
  bytes: 1,
  rows: rowsOf(name),
})
export const landedFile = (name: LandingName, age = 3_600_000): LandedFile => ({
  ...name,
  rows: rowsOf(name),
  firstLoadedAt: ago(age),
})
export const mergedFile = (name: LandingName, age = 3_600_000): MergedFile => ({
  ...name,
  rows: rowsOf(name),
  lastMergedAt: ago(age),
})

export const rowsOf = ({ file: { range } }: LandingName): number => Number(range.last - range.first + 1n)

export function tableOf(changes: Partial<TableEvidence> = {}): TableEvidence {
  return {
    table: 'S.T',
    merged: [],
    stream: {
      name: 'S',
      remake: 'CREATE S',
      found: { createdAt: ago(20 * dayMs), isStale: false, staleAfter: ago(-14 * dayMs), hasRows: null },
    },
    merge: { name: 'M', found: { state: 'started', error: null } },
    retention: { name: 'R', found: { state: 'started', error: null } },
    deep: null,
    ...changes,
  }
}

export function evidenceOf(changes: Partial<TopicEvidence> = {}): TopicEvidence {
  return {
    topic: 't',
    epoch: 1,
    askedAt,
    log: [],
    epochs: [],
    gaps: [],
    staged: [],
    loads: [],
    landed: [],
    pipe: { name: 'P', found: { state: 'RUNNING', error: null, createdAt: ago(dayMs), notedAt: ago(dayMs - 1) } },
    tables: [tableOf()],
    ...changes,
  }
}

/** A topic whose files have come all the way. */
export function wellOf(names: readonly LandingName[], changes: Partial<TopicEvidence> = {}): TopicEvidence {
  const tables = [tableOf({ merged: names.map((name) => mergedFile(name)) })]
  return evidenceOf({
    staged: names.map((name) => stagedFile(name)),
    landed: names.map((name) => landedFile(name)),
    tables,
    ...changes,
  })
}
