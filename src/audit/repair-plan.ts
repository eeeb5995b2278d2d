/**
 * Decides what is done about findings: which steps are taken, in which order, and what only a person can do. Taking the
 * steps is warehouse/repairs.ts's.
 */
import type { TopicEvidence } from '../evidence.ts'
import type { RepairStep } from '../repair.ts'
import type { Finding } from './finding.ts'

/** What is done about one finding: the steps that cure it, or why there is none. */
export type Treatment =
  | {
      readonly finding: Finding
      readonly steps: readonly RepairStep[]
      /** false where there is more of the same than one repair takes */
      readonly isWhole: boolean
    }
  | { readonly finding: Finding; readonly why: string }

export type RepairPlan = {
  readonly treatments: readonly Treatment[]
  /** each once, in the order in which they are taken */
  readonly steps: readonly RepairStep[]
}

/** ALTER PIPE ... REFRESH looks no further back. */
const refreshMs = 7 * 24 * 3600 * 1000
/** Files that a COPY statement takes at most. */
const copyFilesMax = 1_000

const order = ['resume pipe', 'refresh pipe', 'note pipe', 'copy files', 'resume task', 'run task'] as const

/** What one finding asks for; files are put together afterwards. */
type Wish =
  | { readonly kind: 'steps'; readonly steps: readonly RepairStep[] }
  | { readonly kind: 'refresh' | 'copy'; readonly files: readonly string[] }
  | { readonly kind: 'person'; readonly why: string }

export function planRepair(findings: readonly Finding[], topics: readonly TopicEvidence[]): RepairPlan {
  const wishes = findings.map((finding) => {
    const evidence = topics.find(({ topic }) => topic === finding.topic)
    return { finding, wish: evidence ? wishOf(finding, evidence) : person('nothing is known of its topic') }
  })
  const fileSteps = [...Map.groupBy(wishes, ({ finding }) => finding.topic)].flatMap(([topic, ofTopic]) => {
    const filesOf = (kind: Wish['kind']): readonly string[] => [
      ...new Set(ofTopic.flatMap(({ wish }) => (wish.kind === kind && 'files' in wish ? wish.files : []))),
    ]
    const copied = filesOf('copy')
    const refreshed = filesOf('refresh').filter((file) => !copied.includes(file))
    return [...refreshSteps(topic, refreshed), ...copySteps(topic, copied)]
  })
  const treatments = wishes.map(({ finding, wish }): Treatment => {
    if (wish.kind === 'person') return { finding, why: wish.why }
    if (wish.kind === 'steps') return { finding, steps: wish.steps, isWhole: true }
    const steps = fileSteps.filter(
      (step) => step.topic === finding.topic && step.files.some((file) => wish.files.includes(file)),
    )
    return { finding, steps, isWhole: isWhole(finding, topics) }
  })
  const steps = unique(treatments.flatMap((treatment) => ('steps' in treatment ? treatment.steps : [])))
  return { treatments, steps: steps.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)) }
}

/** Of ids that differ only so many were looked up. */
function isWhole({ code, topic, table }: Finding, topics: readonly TopicEvidence[]): boolean {
  const tables = topics.find((one) => one.topic === topic)?.tables ?? []
  const deep = tables.find((one) => one.table === table)?.deep
  if (!deep || !Object.hasOwn(deep.totals, code)) return true
  const known = deep.deviations.filter((one) => one.code === code).length
  return Object.entries(deep.totals).every(([other, total]) => other !== code || total <= known)
}

function wishOf(finding: Finding, evidence: TopicEvidence): Wish {
  const { code, topic, table, files } = finding
  switch (code) {
    case 'FILE_NOT_LOADED':
      return isYoung(files, evidence) ? { kind: 'refresh', files } : { kind: 'copy', files }
    case 'LOAD_FAILED':
    case 'ROWS_MISSING':
      return copyWish(files, evidence)
    case 'ROWS_UNMERGED':
      return unmergedWish(finding, evidence)
    case 'TARGET_ROW_MISSING':
    case 'TARGET_ROW_STALE':
    case 'TARGET_ROW_KEPT':
    case 'TOMBSTONE_MISSING':
      if (files.length === 0)
        return person('the same changes would not be applied again: the owner of the target deletes these rows')
      return copyWish(files, evidence)
    case 'TARGET_ROW_WRONG':
      return person(
        'a change of the same position is not applied again: the owner of the target deletes these rows, then repair again',
      )
    case 'PIPE_PAUSED':
      return stepsWish({ kind: 'resume pipe', topic })
    case 'PIPE_RECREATED':
      return stepsWish({ kind: 'refresh pipe', topic, prefix: '', files: [] }, { kind: 'note pipe', topic })
    case 'TASK_SUSPENDED':
      return stepsWish(...suspendedTasks(evidence, table))
    case 'STREAM_NEAR_STALE':
      return table === null ? person('it names no table') : stepsWish({ kind: 'run task', table, task: 'merge' })
    case 'STAGE_GAP':
    case 'UNORDERED_IDS':
    case 'PIPE_MISSING':
    case 'PIPE_STALLED':
    case 'STREAM_MISSING':
    case 'STREAM_STALE':
    case 'TASK_MISSING':
    case 'TASK_FAILING':
      return person(finding.hint)
  }
}

const person = (why: string): Wish => ({ kind: 'person', why })
const stepsWish = (...steps: readonly RepairStep[]): Wish => ({ kind: 'steps', steps })

function copyWish(files: readonly string[], { staged }: TopicEvidence): Wish {
  const there = new Set((staged ?? []).map(({ name }) => name))
  if (files.every((file) => there.has(file))) return { kind: 'copy', files }
  return person('the file is on the stage no more: restore it, or reload its rows from the source')
}

/** The merge takes what its stream still has; what the stream has passed comes again with the file. */
function unmergedWish({ table, files }: Finding, evidence: TopicEvidence): Wish {
  const found = evidence.tables.find((one) => one.table === table)?.stream.found ?? null
  if (table === null || found === null) return person('it is not known what its stream holds')
  if (found === 'missing' || found.isStale) return person('its stream has to be made anew first')
  return found.hasRows === true ? stepsWish({ kind: 'run task', table, task: 'merge' }) : copyWish(files, evidence)
}

function suspendedTasks({ tables }: TopicEvidence, name: string | null): readonly RepairStep[] {
  const table = tables.find((one) => one.table === name)
  if (!table) return []
  return (['merge', 'retention'] as const).flatMap((task) => {
    const { found } = table[task]
    const isSuspended = found !== null && found !== 'missing' && found.state !== 'started'
    return isSuspended ? [{ kind: 'resume task', table: table.table, task }] : []
  })
}

function isYoung(files: readonly string[], { staged, askedAt }: TopicEvidence): boolean {
  const since = askedAt.getTime() - refreshMs
  return (staged ?? []).every(({ name, storedAt }) => !files.includes(name) || storedAt.getTime() > since)
}

type FileStep = Extract<RepairStep, { readonly files: readonly string[] }>

function refreshSteps(topic: string, files: readonly string[]): readonly FileStep[] {
  if (files.length === 0) return []
  const below = files.map((file) => file.slice(topic.length + 1))
  return [{ kind: 'refresh pipe', topic, prefix: sharedPrefix(below), files }]
}

function copySteps(topic: string, files: readonly string[]): readonly FileStep[] {
  const count = Math.ceil(files.length / copyFilesMax)
  return Array.from({ length: count }, (_, at) => {
    return { kind: 'copy files', topic, files: files.slice(at * copyFilesMax, (at + 1) * copyFilesMax) }
  })
}

/** What all of them begin with, cut behind a `/` unless it is the one file. */
export function sharedPrefix(paths: readonly string[]): string {
  const [first = '', ...others] = paths
  if (others.length === 0) return first
  let length = first.length
  for (const path of others) while (!path.startsWith(first.slice(0, length))) length -= 1
  return first.slice(0, first.lastIndexOf('/', length - 1) + 1)
}

function unique(steps: readonly RepairStep[]): readonly RepairStep[] {
  return [...new Map(steps.map((step) => [JSON.stringify(step), step])).values()]
}
