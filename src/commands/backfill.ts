/**
 * `firn backfill`: plans a run, works on it, goes on with it, and tells what became of it. What a run is and does is decided
 * in backfill/.
 */
import { createInterface } from 'node:readline/promises'
import { differences, recordOf, type RequestRecord, type SourceKind } from '../backfill/request.ts'
import { inspectFile } from '../backfill/file-source.ts'
import { refuseOtherMeaning, resumeCommand, type RunRecord } from '../backfill/run-record.ts'
import { Failure } from '../failure.ts'
import { claimed, newRecord, openSources } from './backfill-begin.ts'
import { readStored, report, reportWhenSettled } from './backfill-evidence.ts'
import { type Ground, onGround } from './backfill-ground.ts'
import { type Asked, type How, parseBackfill, requestOf } from './backfill-options.ts'
import { makePlan, refuseUnsafe } from './backfill-plan.ts'
import { runActions } from './backfill-runs.ts'
import { planJson, planText, tell } from './backfill-text.ts'
import { cancelledFailure, type Finished, work } from './backfill-work.ts'
import type { Command, ExitCode, Io } from './command.ts'

export const command: Command = {
  summary: 'replay messages safely, and see first what it would do',
  help: `firn backfill: replay messages safely, and see first what it would do

usage: firn backfill [--topic TOPIC] --from log|stage|rejects|file [range] [--name NAME] [--plan] [options]
       firn backfill [--topic TOPIC] --name NAME [--file PATH] [--rate N]
                                                          goes on with a run, or tells what became of it
       firn backfill list | status NAME | cancel NAME     [--topic TOPIC] [--config FILE] [--json]

A run reads messages again and stores them under names of its own, which Snowpipe has never seen. Their positions are those
of the original changes: whatever runs beside it, and however often it is repeated, no row is ever set back. It touches
neither the ingester's group nor its files. What was stored before a run was stopped or killed stays; the same name goes on.

Where a terminal is attached, the plan is shown first, and nothing is done without a yes. At its end a run waits until all of
it is loaded and merged, and tells what is missing: 3 is the exit code then. Runs as the role of operators (_OPERATOR).

sources:
  --from log            what Kafka still has, of the current epoch
  --from stage          files that are on the stage, however old, all epochs and runs
  --from rejects        messages that could not become changes, after a fix (as firn rejects retry does)
  --from file           JSON lines, plain or gzip, as an export gives them: {"key": ..., "value": ..., "timestamp": ...};
                        without an order of the table, whatever a log says goes before them
  --file PATH           that file

range (default: all there is):
  --partition N[,N]     only these partitions
  --offsets FIRST-LAST  of one partition, both included; of the stage: files that hold one of them
  --since TIME          messages from that time on, such as 2026-01-31T00:00:00Z; of the stage: files stored since
  --until TIME          messages before that time
  --epoch N             of the stage and of rejects: one epoch alone
  --code CODE           of rejects: one reason alone

options:
  --topic TOPIC         a topic of the configuration; not needed where there is only one
  --name NAME           the run's name (default: the source and the time)
  --plan, --dry-run     show the plan, and do nothing
  --revision N          changes that are decoded again beat their former selves, and nothing newer: after the fix of a
                        dialect, or where somebody has changed a row by hand
  --rate N              at most so many messages a second
  --parallel N          partitions or files at once (default: 4)
  --yes                 do not ask
  --no-wait             end when all is stored; firn backfill status tells the rest later
  --patience DURATION   how long nothing may move while it waits (default: audit.patience of the configuration, 15m)
  --stage-only          leave the warehouse alone: no comparison, no floors, no report
  --config FILE         the configuration (default: FIRN_CONFIG, then firn.yaml)
  --json                print the outcome as one JSON object; offsets are text

examples:
  firn backfill --topic shop.orders --from log --plan
  firn backfill --topic shop.orders --from log --partition 3 --offsets 1000-1999 --revision 1 --name fix-3
  firn backfill --topic shop.orders --from stage --yes
  firn backfill --topic shop.orders --from file --file snapshot.jsonl.gz --rate 5000
  firn backfill status fix-3
`,
  async run(args, io) {
    const [action, ...rest] = args
    if (action !== undefined && !action.startsWith('-')) return await runActions(action, rest, io)
    return await backfill(args, io)
  },
}

/** Begins a run or goes on with it; `from` where another command says it. */
export async function backfill(args: readonly string[], io: Io, from?: SourceKind): Promise<ExitCode> {
  const { config, asked, topic, how } = parseBackfill(args, from === undefined ? {} : { from })
  if (asked.from === null && asked.name === null) {
    throw new Failure(
      'USAGE',
      '--from is missing, or --name of a run to go on with; for example: firn backfill --from log --plan',
    )
  }
  return await onGround({ config, topic, withWarehouse: !how.isStageOnly }, io, async (ground) => {
    const whole = { ...asked, topic: ground.table.topic }
    const known = asked.name === null ? null : await ground.store.read(whole.topic, asked.name)
    if (!known) return await begin(ground, whole, how)
    const file = asked.file === null ? null : (await inspectFile(asked.file)).identity
    if (whole.from !== null) refuseOther(known, recordOf(requestOf({ ...whole, from: whole.from }, file)))
    else if (file) refuseOther(known, { ...known.request, file })
    return await goOn(ground, known, whole, how)
  })
}

async function begin(ground: Ground, asked: Asked, how: How): Promise<ExitCode> {
  const { from } = asked
  if (from === null) {
    throw new Failure(
      'USAGE',
      `there is no run ${asked.name} of ${asked.topic} to go on with: firn backfill list shows all`,
    )
  }
  const name = asked.name ?? `${from}-${new Date().toISOString().slice(0, 19).replace(/[-:]/g, '').toLowerCase()}`
  const record = await newRecord(ground, { ...asked, from, name })
  const { io, store } = ground
  const sources = await openSources(ground, record, asked.file)
  try {
    const asks = isWatched(io) && !how.isAgreed
    if (how.isPlan || asks) {
      const plan = await makePlan(ground, record, sources, how)
      if (how.isPlan) {
        io.stdout.write(
          how.json ? `${JSON.stringify({ plan: planJson(plan) })}\n` : `${planText(plan)}nothing was stored\n`,
        )
        return 0
      }
      io.stderr.write(planText(plan))
      if (!(await agrees(io))) return 0
    } else await refuseUnsafe(ground, record, sources, how)
  } finally {
    await sources.close()
  }
  const own = await claimed(ground, record)
  // Where another process has begun it meanwhile, the run is what that one says.
  const begun = (await store.begin(own)) ? own : await store.read(asked.topic, name)
  if (!begun) throw new Failure('STAGE_FAILED', `the record of the run ${name} was there, and is gone`)
  refuseOther(begun, own.request)
  return await goOn(ground, begun, asked, how)
}

/** Another run under the same name is none to go on with. */
function refuseOther(record: RunRecord, request: RequestRecord): void {
  const other = differences(record.request, request)
  if (other.length === 0) return
  const words = `the run ${record.name} was begun with other parameters: ${other.join('; ')}`
  throw new Failure('USAGE', `${words}. Choose another name, or go on with: ${resumeCommand(record)}`)
}

async function goOn(ground: Ground, record: RunRecord, asked: Asked, how: How): Promise<ExitCode> {
  const { store, io } = ground
  const { name, request } = record
  if ((await store.note(request.topic, name, 'cancelled')) !== null) throw cancelledFailure(name)
  let finished = (await store.note(request.topic, name, 'finished')) as Finished | null
  if (finished) io.stderr.write(`the run ${name} is finished already: what follows is what became of it\n`)
  else if (how.isPlan)
    throw new Failure('USAGE', `the run ${name} has begun: firn backfill status ${name} shows how far it is`)
  else {
    refuseOtherMeaning(record, ground.table)
    finished = await stageRun(ground, record, asked, how)
  }
  const patienceMs = how.patienceMs ?? ground.config.audit.patience
  const reporting = { record, stored: await readStored(ground, record), finished, patienceMs }
  const isAsked = ground.session !== null
  const waits = isAsked && how.waits
  const told = waits ? await reportWhenSettled(ground, reporting) : await report(ground, reporting)
  return tell(io, how.json, { record, state: 'finished', holder: null, finished, report: told, isAsked, reached: null })
}

async function stageRun(ground: Ground, record: RunRecord, asked: Asked, how: How): Promise<Finished> {
  const { store } = ground
  const { name, request } = record
  const hold = await store.hold(request.topic, name)
  try {
    const sources = await openSources(ground, record, asked.file)
    try {
      const finished = await work(ground, record, sources, how, hold.lost)
      await store.putNote(request.topic, name, 'finished', finished)
      return finished
    } finally {
      await sources.close()
    }
  } finally {
    await hold.release()
  }
}

function isWatched({ stdin, stderr }: Io): boolean {
  return stdin?.isTTY === true && stderr.isTTY === true
}

async function agrees({ stdin, stderr, signal }: Io): Promise<boolean> {
  if (!stdin) return false
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    const answer = await lines.question('Store this? [y/N] ', { signal })
    if (/^\s*y(es)?\s*$/i.test(answer)) return true
    stderr.write('nothing was stored\n')
    return false
  } finally {
    lines.close()
  }
}
