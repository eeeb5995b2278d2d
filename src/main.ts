#!/usr/bin/env node
/**
 * From argv to a command and from its outcome to an exit code; the only place that ends the process.
 */
import { readFileSync } from 'node:fs'
import type { Command, ExitCode, Io } from './commands/command.ts'
import { type Failure, toFailure } from './failure.ts'

/** Loaded when called: `firn --help` must not pay for Kafka and Snowflake clients. */
const commands: Readonly<
  Record<string, { readonly summary: string; readonly load: () => Promise<{ command: Command }> }>
> = {
  run: { summary: 'read Kafka and stage landing files until told to stop', load: () => import('./commands/run.ts') },
  migrate: {
    summary: 'bring the schema in Snowflake to what the configuration needs',
    load: () => import('./commands/migrate.ts'),
  },
  check: {
    summary: 'look at every connection and object, and say what is wrong',
    load: () => import('./commands/check.ts'),
  },
  status: {
    summary: 'show how far each partition has come, and what halts',
    load: () => import('./commands/status.ts'),
  },
  audit: {
    summary: 'prove that what was staged was loaded and merged, and repair what was not',
    load: () => import('./commands/audit.ts'),
  },
  backfill: {
    summary: 'replay messages safely, and see first what it would do',
    load: () => import('./commands/backfill.ts'),
  },
  trace: {
    summary: 'show every landed change of one row, and why it won or lost',
    load: () => import('./commands/trace.ts'),
  },
  rejects: {
    summary: 'list, show and retry what could not be applied and is open',
    load: () => import('./commands/rejects.ts'),
  },
  'ack-gap': {
    summary: 'give up offsets that cannot be staged, so that a halted partition goes on',
    load: () => import('./commands/ack-gap.ts'),
  },
  local: {
    summary: 'the development stack: Kafka, S3 and the development warehouse on this machine',
    load: () => import('./commands/local.ts'),
  },
  demo: {
    summary: 'play the whole product on this machine, and compare the result with the source',
    load: () => import('./commands/demo.ts'),
  },
}

const usage = (): string =>
  [
    'firn: change data from Kafka into Snowflake',
    '',
    'usage: firn <command> [options]',
    '',
    ...Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(10)} ${summary}`),
    '',
    'firn <command> --help shows its options, with examples; firn --version which release this is.',
    '',
  ].join('\n')

/** In a checkout as well as in the image: package.json lies beside src/ and dist/. */
function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}

async function main(args: readonly string[], io: Io): Promise<ExitCode> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    // `firn help status` is what git and others take.
    if (rest[0] !== undefined) return await main([rest[0], '--help'], io)
    io.stdout.write(usage())
    return name === undefined ? 2 : 0
  }
  if (name === '--version' || name === '-V') {
    io.stdout.write(`firn ${version()}\n`)
    return 0
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!entry) {
    io.stderr.write(`firn: there is no command "${name}"\n\n${usage()}`)
    return 2
  }
  try {
    const { command } = await entry.load()
    if (rest.includes('--help') || rest.includes('-h')) {
      io.stdout.write(command.help)
      return 0
    }
    return await command.run(rest, io)
  } catch (error) {
    return report(toFailure(error), io)
  }
}

/** One line for what failed, one for what to do; the stack only of an error that Firn does not know. */
function report(failure: Failure, io: Io): ExitCode {
  io.stderr.write(`firn: ${failure.code}: ${failure.message}\n  ${failure.hint}\n`)
  if (failure.code === 'UNKNOWN' && failure.cause instanceof Error) io.stderr.write(`${failure.cause.stack ?? ''}\n`)
  return failure.code === 'USAGE' || failure.code === 'CONFIG_INVALID' ? 2 : 1
}

const leaving = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (leaving.signal.aborted) process.exit(1)
    leaving.abort(signal)
  })
}
const { stdin, stdout, stderr, env } = process
process.exitCode = await main(process.argv.slice(2), { stdin, stdout, stderr, env, signal: leaving.signal })
process.exit()
