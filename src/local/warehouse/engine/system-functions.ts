/**
 * Functions that ask the engine itself: where the session is, whether a stream has rows, how a pipe is doing.
 */
import { parseName } from './object-name.ts'
import { forceResume, pipeStatus } from './pipe-status.ts'
import type { Typed } from '../sql/scope.ts'
import { type Standing, streamTable } from './standing.ts'
import { SqlError } from '../sql/statement.ts'
import { textType } from './outcome.ts'
import { constant } from '../sql/duck-text.ts'
import { streamHasData } from './streams.ts'

export async function systemFunction(standing: Standing, name: string, args: readonly string[]): Promise<Typed> {
  const { state, user } = standing
  switch (name) {
    case 'CURRENT_DATABASE':
      return text(state.database, name, args)
    case 'CURRENT_SCHEMA':
      return text(state.schema, name, args)
    case 'CURRENT_ROLE':
      return text(state.role, name, args)
    case 'CURRENT_WAREHOUSE':
      return text(state.warehouse, name, args)
    case 'CURRENT_USER':
      return text(user, name, args)
    case 'SYSTEM$STREAM_HAS_DATA':
      return streamFlag(standing, only(name, args))
    case 'SYSTEM$PIPE_STATUS': {
      const pipe = standing.access.existing('pipe', parseName(only(name, args)), ['MONITOR', 'OPERATE'])
      return { sql: constant(JSON.stringify(await pipeStatus(standing, pipe))), type: textType }
    }
    case 'SYSTEM$PIPE_FORCE_RESUME': {
      const [pipeName = '', options = ''] = args
      if (args.length < 1 || args.length > 2) throw wrongArguments(name, 1, args.length)
      await forceResume(standing, standing.access.existing('pipe', parseName(pipeName), 'OPERATE'), options)
      return { sql: constant('Pipe resumed.'), type: textType }
    }
    default:
      throw new SqlError('002140', '42601', `SQL compilation error:\nUnknown function ${name}.`)
  }
}

function text(value: string | null, name: string, args: readonly string[]): Typed {
  if (args.length > 0) throw wrongArguments(name, 0, args.length)
  return { sql: value === null ? 'CAST(NULL AS VARCHAR)' : constant(value), type: textType }
}

function only(name: string, args: readonly string[]): string {
  const [argument] = args
  if (argument === undefined || args.length > 1) throw wrongArguments(name, 1, args.length)
  return argument
}

function wrongArguments(name: string, expected: number, got: number): SqlError {
  const message = `SQL compilation error:\n${name} takes ${String(expected)} arguments, not ${String(got)}.`
  return new SqlError('000939', '22023', message)
}

async function streamFlag({ core, access, transaction }: Standing, name: string): Promise<Typed> {
  const stream = access.existing('stream', parseName(name), 'SELECT')
  const table = streamTable(core, stream)
  const { rows } = await transaction.read(streamHasData(table.id, await transaction.streamRange(stream.id)))
  if (rows.length === 0) core.commits.freshness.lookedAt(stream.id)
  return { sql: rows.length > 0 ? 'TRUE' : 'FALSE', type: { kind: 'boolean' } }
}
