/**
 * CREATE, DROP and ALTER: each one transaction over the catalogue and what it stands for in the store.
 * What a definition must fulfil is in definitions.ts.
 */
import type { CatalogObject } from './catalog.ts'
import { type Background, type Core, writing } from './core.ts'
import { definitionOf, type Create, kindOf } from './definitions.ts'
import type { Result, SessionState } from '../engine.ts'
import { checkContainer, existing, missing, nameText, wholeName } from '../sql/name-resolution.ts'
import { pausedAs } from './pipe-state.ts'
import { forgetTable } from './loaded-files.ts'
import { done, status } from './outcome.ts'
import { type Name, type ObjectKind, SqlError, type Statement } from '../sql/statement.ts'
import { quoted } from '../sql/duck-text.ts'
import { duckTable } from './store-text.ts'
import { sequenceColumn } from './row-sequence.ts'
import { streamOffsets } from './streams.ts'
import { addColumns, duckColumns } from './table-columns.ts'
import type { Transaction } from './transaction.ts'

type Ddl = Create | Extract<Statement, { kind: 'alter table add' | 'alter task' | 'alter pipe set' | 'drop' }>

export async function executeDdl(
  core: Core,
  background: Background,
  state: SessionState,
  statement: Ddl,
): Promise<Result> {
  const result = await execute(core, state, statement)
  background.tasksChanged()
  background.pipesChanged()
  return result
}

function execute(core: Core, state: SessionState, statement: Ddl): Promise<Result> {
  switch (statement.kind) {
    case 'drop':
      return writing(core, (transaction) => drop(core, transaction, state, statement))
    case 'alter table add':
      return addColumns(core, state, statement)
    case 'alter task':
      return writing(core, (transaction) => alterTask(core, transaction, state, statement))
    case 'alter pipe set':
      return writing(core, async (transaction) => {
        const whole = wholeName('pipe', statement.name, state)
        if (statement.ifExists && !core.catalog.find('pipe', whole)) return done
        const pipe = existing(core.catalog, 'pipe', whole, state)
        await core.catalog.change(transaction, pipe, pausedAs(core, pipe, statement.paused))
        return done
      })
    case 'create database':
    case 'create schema':
    case 'create table':
    case 'create view':
    case 'create file format':
    case 'create stage':
    case 'create pipe':
    case 'create stream':
    case 'create task':
      return create(core, state, statement)
  }
}

async function create(core: Core, state: SessionState, statement: Create): Promise<Result> {
  const kind = kindOf(statement)
  const name = wholeName(kind, statement.name, state)
  const shown = nameText(name.slice(-1))
  const made = await writing(core, async (transaction) => {
    checkContainer(core.catalog, name)
    const there = occupant(core, kind, name)
    if (there && (there.kind !== kind || statement.existing === 'fail')) throw occupied(there)
    if (there && statement.existing === 'keep') return false
    const definition = await definitionOf(core, transaction, state, statement)
    if (there) await remove(core, transaction, there)
    const object = { kind, name, createdMs: core.clock.nowMs(), definition }
    await materialize(core, transaction, state, statement, await core.catalog.create(transaction, object))
    return true
  })
  if (!made) return status(`${shown} already exists, statement succeeded.`)
  if (kind === 'database') Object.assign(state, { database: name[0], schema: 'PUBLIC' })
  if (kind === 'schema') Object.assign(state, { database: name[0], schema: name[1] })
  return status(`${titles[kind]} ${shown} successfully created.`)
}

const titles: Readonly<Record<ObjectKind, string>> = {
  database: 'Database',
  schema: 'Schema',
  table: 'Table',
  view: 'View',
  'file format': 'File format',
  stage: 'Stage area',
  pipe: 'Pipe',
  stream: 'Stream',
  task: 'Task',
}

/** Tables, views and streams share their names. */
function occupant(core: Core, kind: ObjectKind, name: Name): CatalogObject | null {
  const { catalog } = core
  if (kind === 'table' || kind === 'view' || kind === 'stream') return catalog.relation(name)
  return catalog.find(kind, name)
}

function occupied({ kind, name }: CatalogObject): SqlError {
  const what = kind === 'database' || kind === 'schema' ? 'Object' : titles[kind]
  return new SqlError('002002', '42710', `SQL compilation error:\n${what} '${nameText(name)}' already exists.`)
}

/** What an object stands for in the store. */
async function materialize(
  core: Core,
  transaction: Transaction,
  state: SessionState,
  statement: Create,
  object: CatalogObject,
): Promise<void> {
  if (statement.kind === 'create database') {
    const publicSchema = { kind: 'schema', name: [...object.name, 'PUBLIC'], createdMs: object.createdMs } as const
    await core.catalog.create(transaction, { ...publicSchema, definition: { comment: null } })
  }
  if (statement.kind === 'create table') {
    const visible = await duckColumns(core, transaction, state, statement.columns)
    const sequence = `${quoted(sequenceColumn)} BIGINT NOT NULL DEFAULT nextval('_catalog.rows')`
    await transaction.write(
      `CREATE TABLE ${duckTable(object.id)} (${[...visible.map(({ sql }) => sql), sequence].join(', ')})`,
    )
  }
  if (statement.kind === 'create stream') {
    const offset = statement.showInitialRows ? '0' : core.commits.sequence.toString()
    const nowMs = core.clock.nowMs()
    await transaction.write(streamOffsets.insert, { id: String(object.id), offset, fresh: String(nowMs) })
    transaction.afterCommit(() => {
      core.commits.freshness.stored(object.id, nowMs)
    })
  }
}

async function drop(
  core: Core,
  transaction: Transaction,
  state: SessionState,
  { what, name, ifExists }: Extract<Statement, { kind: 'drop' }>,
): Promise<Result> {
  const whole = wholeName(what, name, state)
  const shown = nameText(whole.slice(-1))
  const object = core.catalog.find(what, whole)
  if (!object) {
    if (!ifExists) throw missing(what, whole)
    return status(`Drop statement executed successfully (${shown} already dropped).`)
  }
  if (what === 'database' || what === 'schema') {
    for (const inner of core.catalog.within(whole)) await remove(core, transaction, inner)
    transaction.afterCommit(() => {
      if (state.database !== whole[0]) return
      if (what === 'database') state.database = null
      if (what === 'database' || state.schema === whole[1]) state.schema = null
    })
  }
  await remove(core, transaction, object)
  return status(`${shown} successfully dropped.`)
}

async function remove(core: Core, transaction: Transaction, object: CatalogObject): Promise<void> {
  const id = { id: String(object.id) }
  const forget = (table: string, column: string): Promise<unknown> =>
    transaction.write(`DELETE FROM _catalog.${table} WHERE ${column} = CAST($id AS BIGINT)`, id)
  await core.catalog.remove(transaction, object)
  if (object.kind === 'table') {
    await transaction.write(`DROP TABLE ${duckTable(object.id)}`)
    await forgetTable(transaction, object.id)
  }
  if (object.kind === 'stream') await transaction.write(streamOffsets.remove, id)
  if (object.kind === 'pipe') {
    await forget('pipe_files', 'pipe_id')
    await forget('copy_history', 'pipe_id')
  }
}

async function alterTask(
  core: Core,
  transaction: Transaction,
  state: SessionState,
  { name, ifExists, action }: Extract<Statement, { kind: 'alter task' }>,
): Promise<Result> {
  if (ifExists && !core.catalog.find('task', wholeName('task', name, state))) return done
  const task = existing(core.catalog, 'task', name, state)
  const resumed = { state: 'started', resumedMs: core.clock.nowMs(), failures: 0, suspendedReason: null } as const
  const suspended = { state: 'suspended', suspendedReason: 'USER_SUSPENDED' } as const
  // Resuming what runs already changes nothing: its intervals go on.
  if (action === 'resume' && task.definition.state === 'started') return done
  if (action === 'resume') checkResume(core, task)
  const change = action === 'resume' ? resumed : suspended
  await core.catalog.change(transaction, task, { ...task.definition, ...change })
  return done
}

/** Nothing would ever start it, as Snowflake sees to it too. */
function checkResume(core: Core, { name, definition: { schedule, whenStream } }: CatalogObject<'task'>): void {
  if (schedule !== null) return
  if (whenStream === null) {
    const message = `Task '${nameText(name)}' has neither a schedule nor a stream to wait for, and cannot be resumed.`
    throw new SqlError('001003', '42000', `SQL compilation error:\n${message}`)
  }
  if (!core.catalog.find('stream', whenStream)) throw missing('stream', whenStream)
}
