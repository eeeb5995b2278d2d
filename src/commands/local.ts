/**
 * `firn local`: the development stack from the command line, and the process of its warehouse. What a stack is and does is
 * in local/stack.ts.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure } from '../failure.ts'
import { logEnd } from '../local/part-process.ts'
import { projectRoot } from '../local/parts.ts'
import { openStack, type PartName, partNames, type Stack, type StackEvent } from '../local/stack.ts'
import type { WarehouseOptions } from '../local/warehouse/start.ts'
import { createLogger } from '../telemetry.ts'
import type { Command, ExitCode, Io } from './command.ts'

export const command: Command = {
  summary: 'the development stack: Kafka, S3 and the development warehouse on this machine',
  help: `firn local: the development stack: Kafka, S3 and the development warehouse on this machine

usage: firn local up [--json]
       firn local down [--clean]
       firn local status [--json]
       firn local start PART
       firn local stop PART

  up            start what does not run; prints where each part listens
  down          stop all parts; the data stay
  status        what runs; the end of the log of a part that has crashed
  start, stop   one part: kafka, s3 or warehouse

  --dir DIR     the stack's folder (default: FIRN_LOCAL_DIR, then .firn/stack of the project)
  --clean       with down: remove the folder, data and all
  --json        print one JSON object: with up the addresses and credentials of all parts

Nothing of it listens beyond this machine's loopback.

examples:
  firn local up
  firn local up --json | jq -r .s3.endpoint
  firn local stop warehouse
  firn local down --clean
`,
  async run(args, io) {
    const { action, part, json, clean, dir, options } = readArguments(args, io)
    if (action === 'warehouse') return await serveWarehouse(options, io)
    const stack = openStack(dir, createLogger({ level: 'warn' }), {
      signal: io.signal,
      progress: showProgress(io),
      waiting: (pid) => void io.stderr.write(`another command works on this stack (pid ${pid}); waiting for it\n`),
    })
    try {
      return await act(stack, action, { part, json, clean }, io)
    } catch (error) {
      if (!io.signal.aborted) throw error
      io.stderr.write('interrupted; what has started goes on running: firn local down ends it\n')
      return 1
    }
  },
}

const actions = ['up', 'down', 'status', 'start', 'stop', 'warehouse'] as const
type Action = (typeof actions)[number]

type Arguments = {
  readonly action: Action
  /** given with start and stop only */
  readonly part: PartName
  readonly json: boolean
  readonly clean: boolean
  readonly dir: string
  /** of the warehouse's process */
  readonly options: string
}

function readArguments(args: readonly string[], io: Io): Arguments {
  const { values, positionals } = parse(args)
  const [action, part, ...more] = positionals
  if (!isOneOf(actions, action)) {
    throw new Failure('USAGE', `firn local takes up, down, status, start or stop; for example: firn local up`)
  }
  const takesPart = action === 'start' || action === 'stop'
  if (takesPart && !isOneOf(partNames, part)) {
    throw new Failure('USAGE', `firn local ${action} takes one of ${partNames.join(', ')}: firn local ${action} kafka`)
  }
  const strange = takesPart ? more[0] : part
  if (strange !== undefined) {
    throw new Failure('USAGE', `firn local ${action} does not take "${strange}"; for example: firn local ${action}`)
  }
  return {
    action,
    part: isOneOf(partNames, part) ? part : 'kafka',
    json: values.json ?? false,
    clean: values.clean ?? false,
    dir: resolve(values.dir ?? io.env['FIRN_LOCAL_DIR'] ?? join(projectRoot, '.firn', 'stack')),
    options: values.options ?? '',
  }
}

function parse(args: readonly string[]): ReturnType<typeof parseArgs<typeof parsing>> {
  try {
    return parseArgs({ args: [...args], ...parsing })
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\. To specify.*$/s, '') : String(error)
    throw new Failure('USAGE', `${reason}; for example: firn local up --json`, { cause: error })
  }
}

const parsing = {
  allowPositionals: true,
  options: {
    dir: { type: 'string' },
    json: { type: 'boolean' },
    clean: { type: 'boolean' },
    options: { type: 'string' },
  },
} as const

function isOneOf<T extends string>(names: readonly T[], name: string | undefined): name is T {
  return (names as readonly (string | undefined)[]).includes(name)
}

type Wishes = { readonly part: PartName; readonly json: boolean; readonly clean: boolean }

async function act(stack: Stack, action: Exclude<Action, 'warehouse'>, wishes: Wishes, io: Io): Promise<ExitCode> {
  switch (action) {
    case 'up': {
      const endpoints = await stack.up()
      io.stdout.write(wishes.json ? `${JSON.stringify(endpoints, null, 2)}\n` : summary(stack))
      return 0
    }
    case 'down':
      await stack.down({ clean: wishes.clean })
      return 0
    case 'start':
      await stack.start(wishes.part)
      return 0
    case 'stop':
      await stack.stop(wishes.part)
      return 0
    case 'status':
      io.stdout.write(wishes.json ? `${JSON.stringify(stack.status(), null, 2)}\n` : statusText(stack))
      return stack.status().every(({ state }) => state === 'running') ? 0 : 3
  }
}

function summary(stack: Stack): string {
  const { kafka, s3, warehouse } = stack.endpoints()
  return `
  kafka      ${kafka.brokers.join()}, and ${kafka.saslSslBrokers.join()} with SASL_SSL
  s3         ${s3.endpoint}, bucket ${s3.bucket}
  warehouse  ${warehouse.accessUrl}, user ${warehouse.user}
  data       ${stack.dir}

what to try next:
  firn local up --json        addresses and credentials as JSON
  firn local status           what runs
  firn local down --clean     stop it and remove its data
`
}

function statusText(stack: Stack): string {
  return stack
    .status()
    .map(({ part, state, pid, ports, logFile }) => {
      const where = pid === null ? '' : `  pid ${pid}, port ${ports.join(', ')}`
      const log = state === 'crashed' ? `\n  the end of its log, ${logFile}:\n${indent(logEnd(logFile))}` : ''
      return `${part.padEnd(10)} ${state}${where}${log}\n`
    })
    .join('')
}

const indent = (text: string): string => text.replace(/^/gm, '    ')

/** One line a step; on a terminal, the step that is under way counts its seconds. */
function showProgress(io: Io): (event: StackEvent) => void {
  let ticking: NodeJS.Timeout | undefined
  const write = (line: string): void => void io.stderr.write(io.stderr.isTTY === true ? `\r\u001b[K${line}` : line)
  return ({ part, step, elapsedMs, logFile }) => {
    clearInterval(ticking)
    const label = part.padEnd(10)
    if (step === 'crashed') {
      write(`${label} had crashed; the end of its log, ${logFile}:\n${indent(logEnd(logFile))}\n`)
    } else if (step === 'found') {
      write(`${label} runs already\n`)
    } else if (step === 'ready' || step === 'stopped') {
      write(`${label} ${step} after ${seconds(elapsedMs)}\n`)
    } else if (step === 'killed') {
      write(`${label} did not end by itself and was killed after ${seconds(elapsedMs)}; its log: ${logFile}\n`)
    } else if (io.stderr.isTTY === true) {
      const sinceMs = Date.now() - elapsedMs
      ticking = setInterval(() => {
        write(`${label} ${step} ... ${seconds(Date.now() - sinceMs)}`)
      }, 100).unref()
    }
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** The warehouse's own process, as the stack starts it: serves until it is told to end. */
async function serveWarehouse(optionsFile: string, io: Io): Promise<ExitCode> {
  if (optionsFile === '') throw new Failure('USAGE', 'firn local warehouse is started by: firn local start warehouse')
  const { startWarehouse } = await import('../local/warehouse/start.ts')
  const options = JSON.parse(await readFile(optionsFile, 'utf8')) as WarehouseOptions
  const logger = createLogger({ level: 'info' })
  const warehouse = await startWarehouse(options, logger)
  logger.info({ url: warehouse.url }, 'the development warehouse listens')
  if (!io.signal.aborted) await once(io.signal, 'abort')
  await warehouse.close()
  return 0
}
