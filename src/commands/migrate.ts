/**
 * `firn migrate`: prints, renders or applies what the schema in Snowflake lacks. What that is, is decided in warehouse/.
 */
import { readFile } from 'node:fs/promises'
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { Failure } from '../failure.ts'
import { connectSnowflake, type Session } from '../snowflake/session.ts'
import { applyScript, type PendingScript, pendingScripts, readLedger } from '../warehouse/migrations.ts'
import { roleNames } from '../warehouse/names.ts'
import { renderAccountScript, renderScripts, type Script } from '../warehouse/render.ts'
import { renderedFiles, writeRenderedFiles } from '../warehouse/rendered-files.ts'
import { readTemplates } from '../warehouse/scripts.ts'
import { warehouseOf } from '../warehouse/values.ts'
import type { Command, ExitCode, Io } from './command.ts'
import { parseOptions } from './options.ts'

const options = {
  config: { type: 'string' },
  plan: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  render: { type: 'string' },
  account: { type: 'boolean' },
  role: { type: 'string' },
  json: { type: 'boolean' },
} as const

export const command: Command = {
  summary: 'bring the schema in Snowflake to what the configuration needs',
  help: `firn migrate: bring the schema in Snowflake to what the configuration needs

usage: firn migrate [--config FILE] [--plan | --render DIR] [--account [--role NAME]] [--json]

Applies the scripts under sql/ in order and once, and writes each into the ledger FIRN.MIGRATIONS of warehouse.database.
Scripts named R__ are applied again when they have changed. A migration that was cut short is finished by running it again,
and two at once do each other no harm. Runs with the role that owns the schema (warehouse.rolePrefix, _OWNER).

  --config FILE  the configuration (default: FIRN_CONFIG, then firn.yaml)
  --plan         print the statements that would run, and run none of them
  --dry-run      the same as --plan
  --render DIR   write all scripts as files for review, and to be applied with schemachange, Flyway, the Snowflake CLI or
                 by hand; with them the documents for AWS. Needs no connection
  --account      what an account administrator does first, instead: roles, rights on the account, the storage integration.
                 Runs with the role ACCOUNTADMIN, whatever warehouse.role says
  --role NAME    with --account: another role that has these rights
  --json         print the result as one JSON object

examples:
  firn migrate --render build/sql
  firn migrate --account --plan
  firn migrate --plan
  firn migrate --config firn.yaml
`,
  async run(args, io) {
    const values = parseOptions(args, options, 'firn migrate --config firn.yaml --plan')
    const isPlan = values.plan === true || values['dry-run'] === true
    const isJson = values.json === true
    if (values.render !== undefined && (isPlan || values.account === true)) {
      throw new Failure(
        'USAGE',
        '--render goes with neither --plan nor --account; for example: firn migrate --render DIR',
      )
    }
    if (values.role !== undefined && values.account !== true) {
      throw new Failure('USAGE', '--role goes with --account; for example: firn migrate --account --role SECURITY')
    }
    const config = loadConfig({ file: values.config, env: io.env })
    if (values.render !== undefined) return await render(config, values.render, { io, isJson })
    const role = values.role ?? 'ACCOUNTADMIN'
    if (values.account === true) return await migrateAccount(config, role, { io, isPlan, isJson })
    return await migrate(config, { io, isPlan, isJson })
  },
}

type How = { readonly io: Io; readonly isPlan: boolean; readonly isJson: boolean }

async function render(config: Config, folder: string, { io, isJson }: Omit<How, 'isPlan'>): Promise<ExitCode> {
  const files = renderedFiles(await readTemplates(), config)
  await writeRenderedFiles(folder, files)
  const paths = files.map(({ path }) => path)
  io.stdout.write(
    isJson
      ? `${JSON.stringify({ rendered: paths })}\n`
      : `${paths.join('\n')}\n${paths.length} files written to ${folder}\n`,
  )
  return 0
}

async function migrateAccount(config: Config, role: string, { io, isPlan, isJson }: How): Promise<ExitCode> {
  const script = renderAccountScript(await readTemplates(), config)
  if (isPlan) {
    const pending = [{ script, why: 'new' as const }]
    io.stdout.write(isJson ? planJson(pending) : script.text)
    return 0
  }
  const session = await connectSnowflake({ ...warehouseOf(config), role })
  try {
    for (const statement of script.statements) await session.execute(statement)
  } finally {
    await session.close()
  }
  io.stdout.write(isJson ? `${JSON.stringify({ applied: [{ script: script.name }] })}\n` : `${script.name} applied\n`)
  return 0
}

async function migrate(config: Config, { io, isPlan, isJson }: How): Promise<ExitCode> {
  const scripts = renderScripts(await readTemplates(), config)
  const session = await connectSnowflake(warehouseOf(config))
  try {
    const pending = pendingScripts(scripts, await readLedger(session, warehouseOf(config)))
    if (isPlan) {
      io.stdout.write(isJson ? planJson(pending) : planText(pending, scripts))
      return 0
    }
    const applied = await applyAll(session, config, pending, io)
    io.stdout.write(
      isJson
        ? `${JSON.stringify({ applied })}\n`
        : `${applied.length} scripts applied, ${scripts.length - applied.length} were there already\n`,
    )
    return 0
  } finally {
    await session.close()
  }
}

type Applied = { readonly script: string; readonly seconds: number }

/** One line on stderr for each script that is done. A signal ends it between two scripts. */
async function applyAll(
  session: Session,
  config: Config,
  pending: readonly PendingScript[],
  io: Io,
): Promise<readonly Applied[]> {
  const appliedBy = `firn ${await firnVersion()} as ${warehouseOf(config).user}`
  const applied: Applied[] = []
  for (const one of pending) {
    if (io.signal.aborted) throw new Failure('INTERRUPTED', `stopped before ${one.script.name}`)
    const startMs = performance.now()
    const isOwn = await applyScript(session, warehouseOf(config), one, appliedBy).catch((error: unknown) => {
      throw isDenied(error)
        ? new Failure('RIGHT_MISSING', error.message, { cause: error, command: asOwner(config) })
        : error
    })
    const seconds = Math.round(performance.now() - startMs) / 1000
    io.stderr.write(`applied ${one.script.name} (${isOwn ? one.why : 'by another'}, ${seconds.toFixed(1)} s)\n`)
    if (isOwn) applied.push({ script: one.script.name, seconds })
  }
  return applied
}

/** Snowflake's SQL state 42501: the role may not do this. */
function isDenied(error: unknown): error is Failure {
  return error instanceof Failure && error.code === 'STATEMENT_FAILED' && / SQL state 42501[,)]/.test(error.message)
}

function asOwner(config: Config): string {
  return `FIRN_WAREHOUSE_ROLE=${roleNames(warehouseOf(config)).owner} firn migrate`
}

function planText(pending: readonly PendingScript[], all: readonly Script[]): string {
  const scripts = pending.map(({ script, why }) => `-- ${script.name} (${why})\n\n${script.text.trimEnd()}\n\n`)
  const there = all.length - pending.length
  return `${scripts.join('')}-- ${pending.length} scripts to apply, ${there} are there already\n`
}

function planJson(pending: readonly PendingScript[]): string {
  const scripts = pending.map(({ script, why }) => ({ script: script.name, why, statements: script.statements }))
  return `${JSON.stringify({ pending: scripts })}\n`
}

async function firnVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
