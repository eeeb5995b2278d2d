/**
 * CREATE, DROP and ALTER: each one transaction over the catalogue and what it stands for in the store.
 * What a definition must fulfil is in definitions.ts.
 */
import { type Access, insufficient } from './access.ts'
import type { CatalogObject } from './catalog.ts'
import { type Background, type Core, writing } from './core.ts'
import { definitionOf, type Create, kindOf } from './definitions.ts'
import type { Result, SessionState } from '../engine.ts'
import { missing, nameText, wholeName } from '../sql/name-resolution.ts'
import { executeGrant, type Granting } from './execute-grant.ts'
import { taskHindrance } from './hindrances.ts'
import { pausedAs } from './pipe-state.ts'
import { forgetTable } from './loaded-files.ts'
import { done, status } from './outcome.ts'
import { type Name, type ObjectKind, SqlError, type Statement } from '../sql/statement.ts'
import { quoted } from '../sql/duck-text.ts'
import type { Standing } from './standing.ts'
import { duckTable } from './store-text.ts'
import { sequenceColumn } from './row-sequence.ts'
import { streamOffsets } from './streams.ts'
import { addColumns, duckColumns } from './table-columns.ts'
import type { Transaction } from './transaction.ts'

type Ddl =
  | Create
  | Granting
  | Extract<Statement, { kind: 'alter table add' | 'alter task' | 'alter pipe set' | 'comment' | 'drop' }>

export async function executeDdl(
  core: Core,
  background: Background,
  access: Access,
  state: SessionState,
  statement: Ddl,
): Promise<Result> {
  const result = await execute(core, access, state, statement)
  background.tasksChanged()
  background.pipesChanged()
  return result
}

function execute(core: Core, access: Access, state: SessionState, statement: Ddl): Promise<Result> {
  switch (statement.kind) {
    case 'grant':
    case 'revoke':
    case 'grant role':
    case 'revoke role':
    case 'grant ownership':
      return executeGrant(core, access, statement)
    case 'drop':
      return writing(core, (transaction) => drop(core, access, transaction, state, statement))
    case 'alter table add':
      return addColumns(core, access, state, statement)
    case 'alter task':
      return writing(core, (transaction) => alterTask(core, access, transaction, statement))
    case 'alter pipe set':
      return writing(core, async (transaction) => {
        if (statement.ifExists && !access.find('pipe', statement.name)) return done
        const pipe = access.existing('pipe', statement.name, 'OPERATE')
        await core.catalog.change(transaction, pipe, pausedAs(core, pipe, statement.paused))
        return done
      })
    case 'comment':
      return writing(core, async (transaction) => {
        const { what, name, ifExists, comment } = statement
        if (ifExists && !access.find(what, name)) return done
        const object = access.existing(what, name, 'OWNERSHIP')
        await core.catalog.change(transaction, object, { ...object.definition, comment })
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
    case 'create role':
    case 'create integration':
      return create(core, access, state, statement)
  }
}

async function create(core: Core, access: Access, state: SessionState, statement: Create): Promise<Result> {
  const kind = kindOf(statement)
  const name = wholeName(kind, statement.name, access.place)
  const shown = nameText(name.slice(-1))
  const made = await writing(core, async (transaction) => {
    access.checkCreate(kind, name)
    const there = occupant(core, kind, name)
    if (there && !access.knows(there)) throw hidden(there)
    if (there && (there.kind !== kind || statement.existing === 'fail')) throw occupied(there)
    if (there && statement.existing === 'keep') return false
    if (there) access.check(there, 'OWNERSHIP')
    const definition = await definitionOf(core, access, transaction, state, statement)
    if (there) await remove(core, access, transaction, there)
    const object = { kind, name, createdMs: core.clock.nowMs(), owner: access.role, definition }
    const standing = { core, access, state, user: '', transaction }
    await materialize(standing, statement, await core.catalog.create(transaction, object))
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
  role: 'Role',
  integration: 'Integration',
  warehouse: 'Warehouse',
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

/** It cannot be said that there is none: the name is taken. */
function hidden({ kind, name }: CatalogObject): SqlError {
  const text = `${titles[kind]} '${nameText(name.slice(-1))}' already exists, but current role has no privileges on it.`
  return new SqlError('003041', '42710', `SQL compilation error:\n${text}`)
}

/** What an object stands for in the store, and the grants that its schema holds ready for it. */
async function materialize(standing: Standing, statement: Create, object: CatalogObject): Promise<void> {
  const { core, transaction } = standing
  if (statement.kind === 'create database') {
    const { name, createdMs, owner } = object
    const publicSchema = { kind: 'schema', name: [...name, 'PUBLIC'], createdMs, owner } as const
    await core.catalog.create(transaction, { ...publicSchema, definition: { comment: null } })
  }
  if (object.name.length > 2) {
    const schema = core.catalog.find('schema', object.name.slice(0, 2))
    for (const { privilege, role, grantedBy } of schema ? core.grants.futures(schema.id, object.kind) : []) {
      const grantee = { kind: 'role', name: role } as const
      const { id: objectId, createdMs } = object
      await core.grants.add(transaction, { objectId, privilege, grantee, grantedBy, createdMs })
    }
  }
  if (statement.kind === 'create table') {
    const visible = await duckColumns(standing, statement.columns)
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
  access: Access,
  transaction: Transaction,
  state: SessionState,
  { what, name, ifExists }: Extract<Statement, { kind: 'drop' }>,
): Promise<Result> {
  const whole = wholeName(what, name, access.place)
  const shown = nameText(whole.slice(-1))
  const object = access.find(what, name)
  if (!object) {
    if (!ifExists) throw missing(what, whole)
    return status(`Drop statement executed successfully (${shown} already dropped).`)
  }
  access.check(object, 'OWNERSHIP')
  if (what === 'database' || what === 'schema') {
    transaction.afterCommit(() => {
      if (state.database !== whole[0]) return
      if (what === 'database') state.database = null
      if (what === 'database' || state.schema === whole[1]) state.schema = null
    })
  }
  await remove(core, access, transaction, object)
  return status(`${shown} successfully dropped.`)
}

/** Takes an object away, with all that lies in it. */
async function remove(core: Core, access: Access, transaction: Transaction, object: CatalogObject): Promise<void> {
  // A role may have the name of a database; nothing lies in a role.
  const holds = object.kind === 'database' || object.kind === 'schema'
  for (const inner of holds ? core.catalog.within(object.name) : []) await removeOne(core, access, transaction, inner)
  await removeOne(core, access, transaction, object)
}

async function removeOne(core: Core, access: Access, transaction: Transaction, object: CatalogObject): Promise<void> {
  const id = { id: String(object.id) }
  const forget = (table: string, column: string): Promise<unknown> =>
    transaction.write(`DELETE FROM _catalog.${table} WHERE ${column} = CAST($id AS BIGINT)`, id)
  if (object.kind === 'role') await removeRole(core, access, transaction, object)
  await core.catalog.remove(transaction, object)
  await core.grants.forgetObject(transaction, object.id)
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

/** What the role owned goes to the one that removes it. */
async function removeRole(core: Core, access: Access, transaction: Transaction, role: CatalogObject): Promise<void> {
  const [name = ''] = role.name
  if (role.owner === '') throw insufficient('role', role.name)
  await core.grants.forgetRole(transaction, name)
  for (const owned of core.catalog.ownedBy(name)) {
    if (owned.id !== role.id) await core.catalog.transfer(transaction, owned, access.role)
  }
}

async function alterTask(
  core: Core,
  access: Access,
  transaction: Transaction,
  { name, ifExists, action }: Extract<Statement, { kind: 'alter task' }>,
): Promise<Result> {
  if (ifExists && !access.find('task', name)) return done
  const task = access.existing('task', name, 'OPERATE')
  const hindrance = action === 'resume' ? taskHindrance(core, task) : null
  if (hindrance) throw hindrance
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
