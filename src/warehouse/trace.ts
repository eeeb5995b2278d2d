/**
 * Why a row of a target table is as it is: for each change of its id that has landed, whether it won or lost, and whether the
 * table says the same. Pure; the evidence is read in trace-evidence.ts. The rules are those of the merge and the deep audit.
 */
import type { Rejection } from './message-columns.ts'

/** The row of the target. */
export type TracedRow = {
  /** JSON text */
  readonly data: string
  readonly lastUpdated: Date
  readonly position: string
  /** null where deletes are hard */
  readonly isDeleted: boolean | null
}

/** A landing row of the id. */
export type LandedVersion = {
  readonly op: string
  readonly position: string | null
  readonly partition: number
  readonly offset: bigint
  readonly rowIndex: number
  /** from the topic on; whole where it is not named as Firn names one */
  readonly file: string
  readonly fileRow: number
  /** commit at the source; null where the message does not tell */
  readonly sourceAt: Date | null
  readonly kafkaAt: Date | null
  /** null where it was loaded by the first release */
  readonly stagedAt: Date | null
  readonly loadedAt: Date
  /** when the merge took it; null where it has not yet */
  readonly mergedAt: Date | null
  /** why the merge cannot apply it, or did not */
  readonly rejection: Rejection | null
  /** the target names this change and holds another content */
  readonly isAltered: boolean
}

export type TraceEvidence = {
  readonly deletes: 'hard' | 'soft'
  readonly row: TracedRow | null
  /** position of the newest delete that is remembered */
  readonly tombstone: string | null
  readonly floor: string | null
  /** the newest position first, and of one position the first that was loaded */
  readonly versions: readonly LandedVersion[]
}

/**
 * `held` the table has it; `altered` the table says so, with another content; `deleted` it deleted the row, and is remembered;
 * `forgotten` it did, and its tombstone was pruned; `disagrees` it was merged, and the table says otherwise.
 */
export type Fate =
  | 'held'
  | 'altered'
  | 'deleted'
  | 'forgotten'
  | 'older'
  | 'again'
  | 'rejected'
  | 'below floor'
  | 'waiting'
  | 'disagrees'

export type Verdict = { readonly version: LandedVersion; readonly fate: Fate; readonly why: string }

export type Trace = {
  readonly verdicts: readonly Verdict[]
  /** what stands beside the versions: changes that are out of sight, a row that should not be there */
  readonly notes: readonly string[]
  /** whether the table says what its versions say */
  readonly agrees: boolean
}

export function judgeTrace(evidence: TraceEvidence): Trace {
  const strongest = strongestOf(evidence)
  const seen = new Set<string>()
  const verdicts = evidence.versions.map((version): Verdict => {
    const isAgain = version.position !== null && seen.has(version.position)
    if (version.position !== null) seen.add(version.position)
    const [fate, why] = isAgain ? again : fateOf(version, evidence, strongest)
    return { version, fate, why }
  })
  const isKept = rowIsKept(evidence)
  const agrees = !isKept && verdicts.every(({ fate }) => fate !== 'disagrees' && fate !== 'altered')
  return { verdicts, notes: notesOf(evidence, isKept), agrees }
}

type Reasoned = readonly [fate: Fate, why: string]

const again: Reasoned = ['again', 'same change came again']

function fateOf(version: LandedVersion, evidence: TraceEvidence, strongest: string): Reasoned {
  const { position, rejection, mergedAt, isAltered } = version
  const { row, floor } = evidence
  if (mergedAt === null) return ['waiting', 'loaded, not merged yet']
  const isApplicableDelete = isHardDelete(version, evidence) && rejection === null
  if (row?.position === position && !isApplicableDelete) {
    if (isAltered) return ['altered', 'is what the table says that it holds, with another content']
    return ['held', row.isDeleted === true ? 'is what the table holds, marked as deleted' : 'is what the table holds']
  }
  if (rejection?.code === 'BELOW_FLOOR') return ['below floor', 'below the floor: listed, not applied']
  if (rejection) return ['rejected', `rejected by the merge: ${rejection.code}: ${rejection.reason}`]
  if (isHardDelete(version, evidence) && evidence.tombstone === position) return deletedOf(version, evidence)
  if (position === null || position < strongest) return ['older', `older than ${strongest}`]
  if (row === null && floor !== null && position < floor) {
    if (isHardDelete(version, evidence))
      return ['forgotten', 'deleted the row; its tombstone was pruned below the floor']
    return ['below floor', 'below the floor: a newer delete may have been pruned']
  }
  return ['disagrees', disagreement(version, evidence)]
}

function deletedOf({ position }: LandedVersion, { row }: TraceEvidence): Reasoned {
  if (row === null || position === null) return ['deleted', 'deleted the row; remembered as tombstone']
  if (row.position > position)
    return ['deleted', 'deleted the row; remembered as tombstone; a newer change made it anew']
  return ['disagrees', 'deleted the row; remembered as tombstone; the row is there all the same']
}

function disagreement(version: LandedVersion, evidence: TraceEvidence): string {
  const { row } = evidence
  if (!isHardDelete(version, evidence)) {
    return row === null ? 'merged, and the row is not there' : `merged, and the table holds an older change`
  }
  return row === null
    ? 'deleted the row, and no tombstone remembers it'
    : 'deleted the row, and it is there all the same'
}

function isHardDelete({ op }: LandedVersion, { deletes }: TraceEvidence): boolean {
  return op === 'd' && deletes === 'hard'
}

/** The largest position of what the table remembers and of what the merge could apply. */
function strongestOf({ row, tombstone, versions }: TraceEvidence): string {
  const applied = versions.filter(({ mergedAt, rejection }) => mergedAt !== null && rejection === null)
  const positions = [row?.position ?? '', tombstone ?? '', ...applied.map(({ position }) => position ?? '')]
  return positions.reduce((most, position) => (position > most ? position : most))
}

/** The merge would have deleted it. */
function rowIsKept({ deletes, row, tombstone }: TraceEvidence): boolean {
  return deletes === 'hard' && row !== null && tombstone !== null && tombstone >= row.position
}

function notesOf({ row, tombstone, versions }: TraceEvidence, isKept: boolean): readonly string[] {
  const inSight = new Set(versions.map(({ position }) => position))
  const notes: string[] = []
  if (isKept) notes.push('the row is there, although a delete that is not older is remembered')
  if (row?.position === '') notes.push('the row was there before any change: whatever comes beats it')
  else if (row && !inSight.has(row.position)) notes.push('the change that the table holds is out of sight')
  if (tombstone !== null && !inSight.has(tombstone)) notes.push('the delete that is remembered is out of sight')
  return notes
}

/** When the merge took a landing row: the first that began after it was loaded. `copy`: how often the row came before. */
export function mergedAtOf(loadedAt: Date, merges: readonly Date[], copy: number): Date | null {
  const sorted = merges.toSorted((a, b) => a.getTime() - b.getTime())
  // The clocks of a load and a merge are not one; what has come once only was taken by whichever merge has the file.
  return sorted.find((at) => at >= loadedAt) ?? (copy === 0 ? (sorted.at(-1) ?? null) : null)
}
