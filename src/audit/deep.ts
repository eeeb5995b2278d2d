/**
 * Judges what a comparison of the landing table with the target has found. Which rows differ is decided by sql/audit/; here
 * it is put into findings that show ids and no content.
 */
import type { DeepEvidence, Deviation, TopicEvidence } from '../evidence.ts'
import { type Finding, finding } from './finding.ts'

/** Ids that a finding shows. */
const idsShown = 20

const words: Readonly<Record<Deviation['code'], string>> = {
  TARGET_ROW_MISSING: 'the target lacks rows, and no tombstone tells why',
  TARGET_ROW_STALE: 'rows of the target hold an older change than their newest one',
  TARGET_ROW_WRONG: 'rows of the target differ from the change whose position they name',
  TARGET_ROW_KEPT: 'the target holds rows whose newest change is a delete',
  TOMBSTONE_MISSING: 'rows were deleted, and no tombstone remembers it',
}

export function judgeDeep({ topic, tables }: TopicEvidence): readonly Finding[] {
  return tables.flatMap(({ table, deep }) => (deep ? judgeTable({ topic, table }, deep) : []))
}

function judgeTable(about: { readonly topic: string; readonly table: string }, deep: DeepEvidence): readonly Finding[] {
  const codes = Object.keys(words) as (keyof typeof words)[]
  const findings = codes.flatMap((code) => {
    const all = deep.deviations.filter((one) => one.code === code)
    const total = deep.totals[code] ?? all.length
    if (all.length === 0) return []
    // One that would mend itself if its change came again is another case than one that needs a person.
    return [true, false].flatMap((isMendable) => {
      const some = all.filter((one) => one.isMendable === isMendable)
      if (some.length === 0) return []
      const files = [...new Set(some.flatMap(({ file }) => file ?? []))]
      const count = some.length === all.length ? total : some.length
      const ids = some.slice(0, idsShown).map(({ id }) => id)
      const listed = isMendable ? files : []
      return [finding(code, { ...about, ids, files: listed }, `${words[code]}: ${idText(ids, count)}`)]
    })
  })
  const { unordered } = deep
  if (!unordered || unordered.total === 0) return findings
  const ids = unordered.ids.slice(0, idsShown)
  const list = idText(ids, unordered.total)
  const seen = `rows have changes in several partitions, and tables[].order is not set: ${list}`
  return [...findings, finding('UNORDERED_IDS', { ...about, ids }, seen)]
}

function idText(ids: readonly string[], total: number): string {
  return `${total} in all, by id ${ids.join(', ')}${total > ids.length ? ', ...' : ''}`
}
