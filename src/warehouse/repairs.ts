/**
 * Takes the steps of a repair: each as statements that may run again at any time, and what came of them. Which steps are
 * taken, and in which order, is decided in audit/.
 */
import type { Config } from '../config.ts'
import { Failure, toFailure } from '../failure.ts'
import { parseLandingName } from '../landing.ts'
import type { RepairStep, StepOutcome } from '../repair.ts'
import type { Row, Session } from '../snowflake/session.ts'
import { sharedNames, tableNames, topicNames } from './names.ts'
import { renderScripts, type Template } from './render.ts'
import { needing } from './rights.ts'
import { warehouseOf } from './values.ts'

export type Repairer = {
  /** what a step would run, as text for a reader */
  statement(step: RepairStep): string
  /** Never throws for what Snowflake answers: a step that failed says so. */
  take(step: RepairStep): Promise<StepOutcome>
}

/** Files for one COPY, as ALTER PIPE ... REFRESH has left them. */
const filesMax = 1_000

export function openRepairer(config: Config, templates: readonly Template[], session: Session): Repairer {
  const warehouse = warehouseOf(config)
  const statement = (step: RepairStep): string => statementOf(step, config, templates)

  async function run(step: RepairStep): Promise<Omit<StepOutcome, 'step' | 'error'>> {
    const rows = await needing(warehouse, rightOf(step, config), () => session.query(statement(step)))
    if (step.kind === 'copy files') return copied(step.topic, step.files, rows)
    if (step.kind !== 'refresh pipe') return { done: doneOf(step), left: new Map() }
    const sent = new Set(rows.flatMap((row) => nameIn(step.topic, row['File'])))
    // What the pipe knows by name already it never takes again, whatever became of it.
    const known = step.files.filter((file) => !sent.has(file))
    const done = `files that the pipe has taken, and loads within minutes: ${sent.size}`
    if (known.length === 0) return { done, left: new Map() }
    const left = new Map<string, string>()
    for (let start = 0; start < known.length; start += filesMax) {
      const copy = { kind: 'copy files', topic: step.topic, files: known.slice(start, start + filesMax) } as const
      for (const [file, why] of (await run(copy)).left) left.set(file, why)
    }
    return { done: `${done}; that it knew already, and COPY has loaded: ${known.length - left.size}`, left }
  }

  return {
    statement,
    take: async (step) => {
      try {
        return { step, ...(await run(step)), error: null }
      } catch (error) {
        const { code, message, hint } = toFailure(error)
        return { step, done: '', left: new Map(), error: `${code}: ${message}. ${hint}` }
      }
    },
  }
}

function statementOf(step: RepairStep, config: Config, templates: readonly Template[]): string {
  const warehouse = warehouseOf(config)
  switch (step.kind) {
    case 'resume pipe':
      return `ALTER PIPE ${topicNames(warehouse, step.topic).pipe.sql} SET PIPE_EXECUTION_PAUSED = FALSE`
    case 'refresh pipe': {
      // PREFIX is put behind the path of the pipe's own COPY.
      const prefix = step.prefix === '' ? '' : ` PREFIX = ${literal(step.prefix)}`
      return `ALTER PIPE ${topicNames(warehouse, step.topic).pipe.sql} REFRESH${prefix}`
    }
    case 'copy files': {
      const files = step.files.map((file) => literal(file.slice(step.topic.length + 1)))
      return `${copyOf(step.topic, config, templates)}\nFILES = (${files.join(', ')})\nON_ERROR = SKIP_FILE\nFORCE = TRUE`
    }
    case 'note pipe': {
      const { pipe } = topicNames(warehouse, step.topic)
      return `UPDATE ${sharedNames(warehouse).pipes} SET noted_at = SYSDATE() WHERE pipe_name = ${literal(pipe.bare)}`
    }
    case 'resume task':
      return `ALTER TASK ${taskOf(step, config)} RESUME`
    case 'run task':
      return `EXECUTE TASK ${taskOf(step, config)}`
  }
}

function taskOf({ table, task }: { readonly table: string; readonly task: 'merge' | 'retention' }, config: Config) {
  const names = tableNames(warehouseOf(config), { table })
  return (task === 'merge' ? names.task : names.retention).sql
}

/** The COPY of the topic's pipe as its script has it: what is loaded by hand is loaded as the pipe does. */
function copyOf(topic: string, config: Config, templates: readonly Template[]): string {
  const { pipe } = topicNames(warehouseOf(config), topic)
  const head = `CREATE PIPE IF NOT EXISTS ${pipe.sql}\n`
  const created = renderScripts(templates, config)
    .flatMap(({ statements }) => statements)
    .find((statement) => statement.startsWith(head))
  const [, copy] = created?.split(/^AS$/m) ?? []
  if (copy === undefined) throw new Failure('SCRIPT_INVALID', `sql/templates/: no statement makes the pipe ${pipe.sql}`)
  return copy.trim()
}

function rightOf(step: RepairStep, config: Config): string {
  const warehouse = warehouseOf(config)
  switch (step.kind) {
    case 'resume pipe':
    case 'refresh pipe':
      return `OPERATE ON PIPE ${topicNames(warehouse, step.topic).pipe.sql}`
    case 'copy files':
      return `INSERT ON TABLE ${topicNames(warehouse, step.topic).landing.sql}`
    case 'note pipe':
      return `UPDATE ON TABLE ${sharedNames(warehouse).pipes}`
    case 'resume task':
    case 'run task':
      return `OPERATE ON TASK ${taskOf(step, config)}`
  }
}

function doneOf(step: Exclude<RepairStep, { readonly kind: 'copy files' | 'refresh pipe' }>): string {
  switch (step.kind) {
    case 'resume pipe':
      return 'the pipe is resumed'
    case 'note pipe':
      return 'the pipe is noted as it is now'
    case 'resume task':
      return `the ${step.task} task is resumed`
    case 'run task':
      return `the ${step.task} task runs`
  }
}

/** COPY answers with a line for each file; a file without one was not loaded. */
function copied(topic: string, files: readonly string[], rows: readonly Row[]) {
  const answers = new Map(rows.flatMap((row) => nameIn(topic, row['file']).map((name) => [name, row] as const)))
  const left = new Map<string, string>()
  for (const file of files) {
    const row = answers.get(file)
    if (row?.['status'] === 'LOADED') continue
    left.set(file, row ? `${String(row['status'])}: ${String(row['first_error'])}` : 'COPY did not load it')
  }
  return { done: `files loaded by COPY: ${files.length - left.size}`, left }
}

function nameIn(topic: string, cell: Row[string] | undefined): readonly string[] {
  const text = typeof cell === 'string' ? cell : ''
  // REFRESH may show the path from the pipe's own location on.
  const name = parseLandingName(topic, text) ?? parseLandingName(topic, `${topic}/${text}`)
  return name ? [name.name] : []
}

function literal(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`
}
