/**
 * `firn migrate`: prints or applies what the schema in Snowflake lacks. What that is, is decided in warehouse/.
 */
import { readFile } from 'node:fs/promises'
import type { Config } from '../config.ts'
import { loadConfig } from '../config-source.ts'
import { Failure } from '../failure.ts'
import { connectSnowflake, type Session } from '../snowflake/session.ts'
import { applyScript, type PendingScript, pendingScripts, readLedger } from '../warehouse/migrations.ts'
import { renderScripts, warehouseOf } from '../warehouse/render.ts'
import { readTemplates } from '../warehouse/scripts.ts'
import type { Command, Io } from './command.ts'
import { parseOptions } from './options.ts'

const options = {
  config: { type: 'string' },
  plan: { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  json: { type: 'boolean' },
} as const

export const command: Command = {
  summary: 'bring the schema in Snowflake to what the configuration needs',
  help: `firn migrate: bring the schema in Snowflake to what the configuration needs

usage: firn migrate [--config FILE] [--plan] [--json]

Applies the scripts under sql/ in order and once, and writes each into the ledger FIRN.MIGRATIONS of warehouse.database.
A migration that was cut short is finished by running it again.

  --config FILE  the configuration (default: FIRN_CONFIG, then firn.yaml)
  --plan         print the statements that would run, and run none of them
  --dry-run      the same as --plan
  --json         print the result as one JSON object

examples:
  firn migrate --plan
  firn migrate --config firn.yaml
`,
  async run(args, io) {
    const values = parseOptions(args, options, 'firn migrate --config firn.yaml --plan')
    const config = loadConfig({ file: values.config, env: io.env })
    const scripts = renderScripts(await readTemplates(), config)
    const session = await connectSnowflake(warehouseOf(config))
    try {
      const pending = pendingScripts(scripts, await readLedger(session, warehouseOf(config)))
      const there = scripts.length - pending.length
      if (values.plan === true || values['dry-run'] === true) {
        io.stdout.write(values.json === true ? planJson(pending) : planText(pending, there))
        return 0
      }
      const applied = await applyAll(session, config, pending, io)
      io.stdout.write(
        values.json === true
          ? `${JSON.stringify({ applied })}\n`
          : `${pending.length} scripts applied, ${there} were there already\n`,
      )
      return 0
    } finally {
      await session.close()
    }
  },
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
    await applyScript(session, warehouseOf(config), one, appliedBy)
    const seconds = Math.round(performance.now() - startMs) / 1000
    io.stderr.write(`applied ${one.script.name} (${one.why}, ${seconds.toFixed(1)} s)\n`)
    applied.push({ script: one.script.name, seconds })
  }
  return applied
}

function planText(pending: readonly PendingScript[], there: number): string {
  const scripts = pending.map(({ script, why }) => `-- ${script.name} (${why})\n\n${script.text.trimEnd()}\n\n`)
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
