/**
 * `firn demo`: its options; everything that it plays is in local/demo/.
 */
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Failure } from '../failure.ts'
import { playDemo } from '../local/demo/demo.ts'
import { createLogger } from '../telemetry.ts'
import type { Command } from './command.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export const command: Command = {
  summary: 'play the whole product on this machine, and compare the result with the source',
  help: `firn demo: the whole product on this machine, with no account

usage: firn demo [--keep] [--changes N] [--dir DIR]

Starts Kafka, an S3 server and the development warehouse, migrates two tables, starts the ingester as a process of its own
and plays three scenarios: real-time sync, high volume, error and recovery. It ends by comparing every row of both final
tables with the source, prints "verified: N rows equal, 0 missing, 0 extra" and exits 0; any difference exits 1.

  --keep        leave everything running, and say what to try next
  --changes N   changes of the high-volume scenario (default 100000)
  --dir DIR     where the data, the config and the log go; emptied first (default .firn/demo)

examples:
  make demo
  make demo KEEP=1
  firn demo --changes 1000000
`,
  async run(args, io) {
    const { keep, changes, dir } = options(args)
    const logger = createLogger({ level: 'warn' })
    const main = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url))
    const equal = await playDemo({ dir: resolve(dir), keep, changes, main }, io.stdout, io.signal, logger)
    return equal ? 0 : 1
  },
}

function options(args: readonly string[]): { keep: boolean; changes: number; dir: string } {
  const known = { keep: { type: 'boolean' }, changes: { type: 'string' }, dir: { type: 'string' } } as const
  let values
  try {
    ;({ values } = parseArgs({ args: [...args], options: known }))
  } catch (error) {
    throw new Failure('USAGE', `${(error as Error).message}; for example: firn demo --changes 1000`, { cause: error })
  }
  const changes = Number(values.changes ?? 100_000)
  if (!Number.isInteger(changes) || changes < 1) {
    throw new Failure('USAGE', `--changes takes a whole number above 0, such as --changes 1000`)
  }
  return { keep: values.keep ?? false, changes, dir: values.dir ?? join(root, '.firn', 'demo') }
}
