/**
 * `firn backfill list|status|cancel`: what is known of the runs of a topic, and how one is given up.
 */
import { resumeAt } from '../backfill/replaying.ts'
import { lengthOf, type RunRecord } from '../backfill/run-record.ts'
import { Failure } from '../failure.ts'
import { readStored, report, type StoredRun } from './backfill-evidence.ts'
import { type Ground, onGround } from './backfill-ground.ts'
import { type RunState, tell, titleOf, type ToldRun } from './backfill-text.ts'
import type { Finished } from './backfill-work.ts'
import type { ExitCode, Io } from './command.ts'
import { parseOptions } from './options.ts'

const options = {
  config: { type: 'string' },
  topic: { type: 'string' },
  'stage-only': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

type Values = ReturnType<typeof parseOptions<typeof options>>
type Action = { readonly takesName: boolean; run(name: string, values: Values, io: Io): Promise<ExitCode> }

const actions: Readonly<Record<string, Action>> = {
  list: { takesName: false, run: (_name, values, io) => list(values, io) },
  status: { takesName: true, run: status },
  cancel: { takesName: true, run: cancel },
}

/** @throws Failure USAGE for an action that there is not, or a name that is missing */
export async function runActions(name: string, args: readonly string[], io: Io): Promise<ExitCode> {
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (!action) {
    const known = Object.keys(actions).join(', ')
    throw new Failure('USAGE', `firn backfill ${name}: there are ${known}; for example: firn backfill list`)
  }
  const [run, ...rest] = action.takesName ? args : ['', ...args]
  if (run === undefined || run.startsWith('-')) {
    throw new Failure(
      'USAGE',
      `firn backfill ${name} needs the name of a run first; for example: firn backfill ${name} fix-3`,
    )
  }
  return await action.run(run, parseOptions(rest, options, `firn backfill ${name}`), io)
}

async function list(values: Values, io: Io): Promise<ExitCode> {
  const { json = false } = values
  const runs = await onGround(
    { config: values.config, topic: values.topic ?? null, withWarehouse: false, anyTopic: true },
    io,
    async (ground) => {
      const topics =
        values.topic === undefined ? new Set(ground.config.tables.map(({ topic }) => topic)) : [values.topic]
      const found: (Awaited<ReturnType<typeof stateOf>> & { readonly record: RunRecord })[] = []
      for (const topic of topics) {
        for (const name of await ground.store.names(topic)) {
          const record = await ground.store.read(topic, name)
          if (record) found.push({ record, ...(await stateOf(ground, record)) })
        }
      }
      return found.toSorted((a, b) => (a.record.begunAt < b.record.begunAt ? -1 : 1))
    },
  )
  if (json) {
    const told = runs.map(({ record, state, holder, finished }) => ({
      run: record.name,
      topic: record.request.topic,
      from: record.request.from,
      state,
      holder,
      begunAt: record.begunAt,
      finishedAt: finished?.finishedAt ?? null,
    }))
    io.stdout.write(`${JSON.stringify({ runs: told })}\n`)
    return 0
  }
  const lines = runs.map(({ record, state, holder }) => {
    return `${record.begunAt}  ${state.padEnd(9)}  ${titleOf(record)}${holder === null ? '' : `, by ${holder}`}`
  })
  io.stdout.write(lines.length === 0 ? 'there are no runs\n' : `${lines.join('\n')}\n`)
  return 0
}

async function status(name: string, values: Values, io: Io): Promise<ExitCode> {
  const withWarehouse = values['stage-only'] !== true
  return await onGround(
    { config: values.config, topic: values.topic ?? null, withWarehouse, holding: name },
    io,
    async (ground): Promise<ExitCode> => {
      const record = await recordOf(ground, name)
      const { state, holder, finished } = await stateOf(ground, record)
      const stored = await readStored(ground, record)
      const patienceMs = ground.config.audit.patience
      const made = await report(ground, { record, stored, finished, patienceMs })
      const told: ToldRun = {
        record,
        state,
        holder,
        finished,
        report: made,
        isAsked: ground.session !== null,
        reached: reachedOf(record, stored),
      }
      return tell(io, values.json === true, told)
    },
  )
}

/** Of single messages nobody knows how many are left. */
function reachedOf({ parts, stage, isSparse }: RunRecord, { files }: StoredRun): ToldRun['reached'] {
  if (stage) return { done: files.length, total: stage.files }
  if (isSparse) return null
  const done = parts.reduce((sum, part) => sum + Number(resumeAt(part, files, isSparse) - part.range.first), 0)
  return { done, total: lengthOf(parts) }
}

async function cancel(name: string, values: Values, io: Io): Promise<ExitCode> {
  return await onGround(
    { config: values.config, topic: values.topic ?? null, withWarehouse: false, holding: name },
    io,
    async (ground): Promise<ExitCode> => {
      const record = await recordOf(ground, name)
      const { request } = record
      const { state, holder } = await stateOf(ground, record)
      if (state === 'finished') throw new Failure('USAGE', `the run ${name} is finished: there is nothing to cancel`)
      await ground.store.putNote(request.topic, name, 'cancelled', { cancelledAt: new Date().toISOString() })
      const by = holder === null ? '' : `; ${holder} ends within seconds`
      const words = `the run ${name} of ${request.topic} is cancelled${by}. What it stored stays, and changes nothing that is newer.`
      io.stdout.write(
        values.json === true
          ? `${JSON.stringify({ run: name, topic: request.topic, state: 'cancelled' })}\n`
          : `${words}\n`,
      )
      return 0
    },
  )
}

async function recordOf({ store, table }: Ground, name: string): Promise<RunRecord> {
  const record = await store.read(table.topic, name)
  if (record) return record
  const known = await store.names(table.topic)
  const there = known.length === 0 ? 'it has none' : `it has ${known.join(', ')}`
  throw new Failure('USAGE', `there is no run ${name} of ${table.topic}: ${there}`)
}

async function stateOf({ store }: Ground, { name, request }: RunRecord) {
  const finished = (await store.note(request.topic, name, 'finished')) as Finished | null
  const holding = finished ? null : await store.holder(request.topic, name)
  const holder = holding && `process ${holding.pid} on ${holding.host}`
  const isCancelled = (await store.note(request.topic, name, 'cancelled')) !== null
  const state: RunState = finished ? 'finished' : isCancelled ? 'cancelled' : holder !== null ? 'running' : 'stopped'
  return { state, holder, finished }
}
