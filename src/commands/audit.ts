/**
 * `firn audit`: compares what was staged, loaded and merged, prints what differs, and repairs it. What is a finding, and
 * what cures one, is decided in audit/; asking and doing is the parts'.
 */
import type { Finding } from '../audit/finding.ts'
import { explain, judge } from '../audit/judge.ts'
import { planRepair, type RepairPlan, type Treatment } from '../audit/repair-plan.ts'
import { type Config, durationMs } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { Failure, toFailure } from '../failure.ts'
import type { StepOutcome } from '../repair.ts'
import { connectSnowflake, type Session } from '../snowflake/session.ts'
import { createLogger } from '../telemetry.ts'
import { openRepairer, type Repairer } from '../warehouse/repairs.ts'
import { readTemplates } from '../warehouse/scripts.ts'
import { warehouseOf } from '../warehouse/values.ts'
import { gather } from './audit-evidence.ts'
import { jsonOf, type Report, textOf, type Treated } from './audit-report.ts'
import type { Command, ExitCode, Io } from './command.ts'
import { parseOptions } from './options.ts'

const options = {
  config: { type: 'string' },
  deep: { type: 'boolean' },
  repair: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  patience: { type: 'string' },
  json: { type: 'boolean' },
} as const

const example = 'firn audit --repair --dry-run'

export const command: Command = {
  summary: 'prove that what was staged was loaded and merged, and repair what was not',
  help: `firn audit: prove that what was staged was loaded and merged, and repair what was not

usage: firn audit [--deep] [--repair [--dry-run]] [--patience DURATION] [--config FILE] [--json]

Compares, file by file, what Kafka's committed offsets, the stage, Snowflake's load history, the landing table and
MERGED_FILES say, and looks at the pipes, streams and tasks. Prints what differs: where, what was seen, and the command that
resolves it. deploy/RUNBOOK.md has a section for each finding. Changes nothing without --repair. What runs meanwhile does
not disturb it, nor it what runs.

With --repair: pipes and suspended tasks are resumed, a pipe is told of files that it has not heard of, files that failed or
whose rows are gone are loaded again by COPY, and what a person has to do is named. Repairing twice is harmless: rows that
come again change nothing. Needs the rights of the role of operators (warehouse.rolePrefix, _OPERATOR), and so does --deep;
without both, those of the ingester are enough.

Exits 0 without findings, 3 with some, 1 where something could not be asked; after --repair 0 where all of them are cured.

  --deep               compare each row of the target tables with its landing rows too; reads both whole
  --repair             do what can be done
  --dry-run            with --repair: print what would be done, and do nothing
  --patience DURATION  what is younger may still be on its way (default: audit.patience of the configuration, 15m)
  --config FILE        the configuration (default: FIRN_CONFIG, then firn.yaml)
  --json               print the result as one JSON object; offsets are text

examples:
  firn audit
  firn audit --deep --json
  firn audit --repair --dry-run
  firn audit --repair --patience 1h --config firn.yaml
`,
  async run(args, io) {
    const values = parseOptions(args, options, example)
    const isRepair = values.repair === true
    const isDryRun = values['dry-run'] === true
    if (isDryRun && !isRepair) throw new Failure('USAGE', `--dry-run goes with --repair; for example: ${example}`)
    const given = values.patience === undefined ? undefined : durationMs(values.patience)
    if (given === null) {
      throw new Failure('USAGE', `--patience ${values.patience} is no duration; for example: firn audit --patience 15m`)
    }
    const config = loadConfig({ file: values.config, env: io.env })
    const patienceMs = given ?? config.audit.patience
    warehouseOf(config)
    const how = { io, patienceMs, isDeep: values.deep === true, isRepair, isDryRun }
    const report = await withSession(config, (session, failures) => audit(session, config, how, failures))
    io.stdout.write(values.json === true ? `${jsonOf(report)}\n` : textOf(report))
    for (const { code, message, hint } of report.failures) io.stderr.write(`firn: ${code}: ${message}\n  ${hint}\n`)
    return exitCode(report)
  },
}

type How = {
  readonly io: Io
  readonly patienceMs: number
  readonly isDeep: boolean
  readonly isRepair: boolean
  readonly isDryRun: boolean
}

/** Without Snowflake the other parts are asked all the same. */
async function withSession<T>(
  config: Config,
  work: (session: Session | null, failures: readonly Failure[]) => Promise<T>,
): Promise<T> {
  let session: Session
  try {
    session = await connectSnowflake(warehouseOf(config))
  } catch (error) {
    return await work(null, [toFailure(error)])
  }
  try {
    return await work(session, [])
  } finally {
    await session.close()
  }
}

async function audit(
  session: Session | null,
  config: Config,
  { io, patienceMs, isDeep, isRepair, isDryRun }: How,
  before: readonly Failure[],
): Promise<Report> {
  const logger = createLogger({ level: config.log.level, stream: io.stderr })
  const gathered = await gather(session, { config, logger, isDeep, isRepair, progress: progressOn(io) })
  const { topics } = gathered
  const { landingDays } = warehouseOf(config)
  const findings = topics.flatMap((evidence) => judge(evidence, { patienceMs, landingDays }))
  const notes = topics.flatMap(explain)
  const failures = [...before, ...gathered.failures]
  const told = { topics, findings, notes, failures, isDryRun }
  if (!isRepair || !session) return { ...told, treated: null, statements: [] }
  const plan = planRepair(findings, topics)
  const repairer = openRepairer(config, await readTemplates(), session)
  const statements = plan.steps.map((step) => repairer.statement(step))
  const treated = isDryRun ? plan.treatments.map(planned(repairer)) : await repair(plan, repairer)
  return { ...told, treated, statements }
}

function planned(repairer: Repairer): (treatment: Treatment) => Treated {
  return (treatment) => {
    if ('why' in treatment) return { treatment, cured: null, words: [`needs a person: ${treatment.why}`] }
    const first = (text: string) => text.split('\n', 1)[0] ?? ''
    return {
      treatment,
      cured: null,
      words: treatment.steps.map((step) => `would run: ${first(repairer.statement(step))}`),
    }
  }
}

/** All steps in their order, also where one fails; then what that means for each finding. */
async function repair({ steps, treatments }: RepairPlan, repairer: Repairer): Promise<readonly Treated[]> {
  const outcomes: StepOutcome[] = []
  const untold = new Set<string>()
  for (const step of steps) {
    // A pipe that could not be told of its files is not whole: the next audit must find that again.
    if (step.kind === 'note pipe' && untold.has(step.topic)) continue
    const outcome = await repairer.take(step)
    if (step.kind === 'refresh pipe' && outcome.error !== null) untold.add(step.topic)
    outcomes.push(outcome)
  }
  const outcomeOf = new Map(outcomes.map((outcome) => [JSON.stringify(outcome.step), outcome]))
  return treatments.map((treatment) => {
    if ('why' in treatment) return { treatment, cured: false, words: [treatment.why] }
    const own = treatment.steps.flatMap((step) => outcomeOf.get(JSON.stringify(step)) ?? [])
    const bad = own.flatMap((outcome) => faultsOf(outcome, treatment.finding))
    if (bad.length > 0) return { treatment, cured: false, words: bad }
    const words = own.map(({ done }) => done)
    if (treatment.isWhole) return { treatment, cured: true, words }
    return { treatment, cured: false, words: [...words, 'there are more of them than one repair takes: repair again'] }
  })
}

function faultsOf({ error, left }: StepOutcome, { files }: Finding): readonly string[] {
  if (error !== null) return [error]
  return files.flatMap((file) => (left.has(file) ? `${file}: ${left.get(file) ?? ''}` : []))
}

function exitCode({ failures, findings, treated, isDryRun }: Report): ExitCode {
  if (failures.length > 0) return 1
  if (treated && !isDryRun) return treated.every(({ cured }) => cured === true) ? 0 : 3
  return findings.length > 0 ? 3 : 0
}

/** One line that is written over, where somebody watches. */
function progressOn({ stderr }: Io): (topic: string, done: number, total: number) => void {
  if (stderr.isTTY !== true) return () => undefined
  return (topic, done, total) => {
    stderr.write(`\r\u001b[K${done === total ? '' : `${topic}: ${done} of ${total} files looked at`}`)
  }
}
