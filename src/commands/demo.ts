/**
 * `firn demo`: its options; everything that it plays is in local/demo/.
 */
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from '../failure.ts'
import { playDemo } from '../local/demo/demo.ts'
import { endDemo } from '../local/demo/kept.ts'
import { createLogger } from '../telemetry.ts'
import type { Command } from './command.ts'
import { parseOptions } from './options.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export const command: Command = {
  summary: 'play the whole product on this machine, and compare the result with the source',
  help: `firn demo: the whole product on this machine, with no account

usage: firn demo [--keep] [--changes N] [--dir DIR]
       firn demo --end [--dir DIR]

Starts Kafka, an S3 server and the development warehouse, migrates two tables, starts the ingester as a process of its own
and plays three scenarios: real-time sync, high volume, error and recovery. It ends by comparing every row of both final
tables with the source, prints "verified: N rows equal, 0 missing, 0 extra" and exits 0; any difference exits 1.

  --keep        leave everything running, and say what to try next
  --end         end what --keep left running, and remove its data
  --changes N   changes of the high-volume scenario (default 100000)
  --dir DIR     where the data, the config and the log go; a demo that was kept there is ended
                first (default .firn/demo)

examples:
  make demo
  make demo KEEP=1
  firn demo --end
  firn demo --changes 1000000
`,
  async run(args, io) {
    const { keep, changes, dir, end } = options(args)
    const logger = createLogger({ level: 'warn' })
    if (end) {
      await endDemo(resolve(dir), logger)
      return 0
    }
    const main = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : '../main.js', import.meta.url))
    const equal = await playDemo({ dir: resolve(dir), keep, changes, main }, io.stdout, io.signal, logger)
    return equal ? 0 : 1
  },
}

function options(args: readonly string[]): { keep: boolean; changes: number; dir: string; end: boolean } {
  const [flag, text] = [{ type: 'boolean' }, { type: 'string' }] as const
  const known = { keep: flag, end: flag, changes: text, dir: text }
  const values = parseOptions(args, known, 'firn demo --changes 1000')
  const changes = Number(values.changes ?? 100_000)
  if (!Number.isInteger(changes) || changes < 1) {
    throw new Failure('USAGE', `--changes takes a whole number above 0, such as --changes 1000`)
  }
  return {
    keep: values.keep ?? false,
    end: values.end ?? false,
    changes,
    dir: values.dir ?? join(root, '.firn', 'demo'),
  }
}
