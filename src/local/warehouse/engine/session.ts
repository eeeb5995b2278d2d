/**
 * One connection's place in the engine: where it is, its transaction, and which part of the engine runs each statement.
 */
import { Access, inheritedRoles } from './access.ts'
import type { Background, Core } from './core.ts'
import { settle } from './core.ts'
import type { Bind, EngineSession, Result, SessionState } from '../engine.ts'
import { executeCopy } from './execute-copy.ts'
import { executeDdl } from './execute-ddl.ts'
import { executeDml } from './execute-dml.ts'
import { describe } from './describe.ts'
import { missing, nameText } from '../sql/name-resolution.ts'
import { done } from './outcome.ts'
import { taskHindrance } from './hindrances.ts'
import { showGrants } from './show-grants.ts'
import { parseStatement, splitStatements } from '../sql/parse-statement.ts'
import { refreshPipe } from './pipe-refresh.ts'
import { type BlockHost, runBlock } from './scripting.ts'
import { openScope } from './session-scope.ts'
import { type Standing } from './standing.ts'
import { show } from './show.ts'
import { type Block, type Dml, type Name, SqlError, type Statement } from '../sql/statement.ts'
import type { Connection } from './store.ts'
import { Transaction } from './transaction.ts'
import { translateQuery } from '../sql/translate-query.ts'

type Binds = Readonly<Record<string, Bind>>
type Use = Extract<Statement, { kind: 'use' }>

export class Session implements EngineSession {
  readonly state: SessionState
  readonly user: string
  readonly #core: Core
  readonly #background: Background
  readonly #connection: Connection
  #transaction: Transaction | null = null
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  private constructor(core: Core, background: Background, connection: Connection, user: string, state: SessionState) {
    this.#core = core
    this.#background = background
    this.#connection = connection
    this.user = user
    this.state = state
  }

  static async open(core: Core, background: Background, user: string, state: SessionState): Promise<Session> {
    return new Session(core, background, await core.store.connect(), user, state)
  }

  split(sql: string): readonly string[] {
    return splitStatements(sql)
  }

  execute(sql: string, binds: Binds): Promise<Result> {
    return this.#inTurn(() => this.run(parseStatement(sql), binds))
  }

  /** Runs a statement that is parsed already, as a task's body is. Not to be mixed with `execute` before it has settled. */
  async run(statement: Statement, binds: Binds = {}): Promise<Result> {
    if (this.#closed) throw new SqlError('390111', '08003', 'The session is closed.')
    switch (statement.kind) {
      case 'select':
        return this.#read((standing) => executeSelect(standing, statement.query, binds))
      case 'insert':
      case 'update':
      case 'delete':
      case 'merge':
      case 'truncate':
        return this.#write(statement, binds)
      case 'copy':
        return this.#read((standing) => executeCopy(standing, statement))
      case 'begin':
        this.#transaction ??= await Transaction.begin(this.#connection, this.#core.commits)
        return done
      case 'commit':
        await this.#commit()
        return done
      case 'rollback':
        await this.#rollback()
        return done
      case 'block':
        return this.#runBlock(statement, binds)
      case 'execute immediate':
        return this.#runBlock(statement.block, binds)
      case 'use':
        this.#use(statement)
        return done
      case 'use secondary roles':
        return done
      case 'alter session':
        await this.#set(statement.parameters)
        return done
      case 'show':
        return show(this.#core, this.#access(), statement)
      case 'describe':
        return describe(this.#core, this.#access(), statement)
      case 'execute task':
        return this.#executeTask(statement.name)
      case 'alter pipe refresh':
        return this.#refreshPipe(statement)
      case 'show grants':
        return showGrants(this.#core, this.#access(), this.user, statement)
      case 'grant':
      case 'revoke':
      case 'grant role':
      case 'revoke role':
      case 'grant ownership':
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
      case 'alter table add':
      case 'alter task':
      case 'alter pipe set':
      case 'comment':
      case 'drop':
        // A DDL ends the open transaction first, as in Snowflake.
        await this.#commit()
        return executeDdl(this.#core, this.#background, this.#access(), this.state, statement)
    }
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#closed) return
      this.#closed = true
      await this.#rollback()
      this.#connection.close()
    })
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }

  async #read(work: (standing: Standing) => Promise<Result>): Promise<Result> {
    if (this.#transaction) return work(this.#standing(this.#transaction))
    const transaction = await Transaction.begin(this.#connection, this.#core.commits)
    return settle(transaction, () => work(this.#standing(transaction)))
  }

  async #write(statement: Dml, binds: Binds): Promise<Result> {
    if (!this.#commitsByItself) this.#transaction ??= await Transaction.begin(this.#connection, this.#core.commits)
    if (this.#transaction) return executeDml(this.#standing(this.#transaction), statement, binds)
    const transaction = await Transaction.beginToWrite(this.#connection, this.#core.commits)
    return settle(transaction, () => executeDml(this.#standing(transaction), statement, binds))
  }

  /** Without AUTOCOMMIT the first DML begins a transaction, and nothing but COMMIT, ROLLBACK or a DDL ends it. */
  get #commitsByItself(): boolean {
    return this.state.parameters.get('AUTOCOMMIT') !== false
  }

  /** A change of AUTOCOMMIT commits what is open, as in Snowflake. */
  async #set(parameters: Extract<Statement, { kind: 'alter session' }>['parameters']): Promise<void> {
    const before = this.#commitsByItself
    for (const [name, value] of Object.entries(parameters)) this.state.parameters.set(name, value)
    if (this.#commitsByItself !== before) await this.#commit()
  }

  #standing(transaction: Transaction): Standing {
    return { core: this.#core, access: this.#access(), state: this.state, user: this.user, transaction }
  }

  /** Grants count as they are when the statement begins. */
  #access(): Access {
    return new Access(this.#core, this.state.role, this.state)
  }

  #runBlock(block: Block, binds: Binds): Promise<Result> {
    // Whose transaction it would be, that of the block or that of the session, is not documented.
    if (!this.#commitsByItself) {
      throw new SqlError('000002', '0A000', "Unsupported feature 'a scripting block while AUTOCOMMIT is off'.")
    }
    const inTransaction = (): boolean => this.#transaction !== null
    const host: BlockHost = {
      run: (statement) => this.run(statement, binds),
      get inTransaction() {
        return inTransaction()
      },
      rollback: () => this.#rollback(),
    }
    return runBlock(host, block)
  }

  async #commit(): Promise<void> {
    const transaction = this.#transaction
    this.#transaction = null
    await transaction?.commit()
  }

  async #rollback(): Promise<void> {
    const transaction = this.#transaction
    this.#transaction = null
    await transaction?.rollback()
  }

  #executeTask(name: Name): Result {
    const task = this.#access().existing('task', name, 'OPERATE')
    const hindrance = taskHindrance(this.#core, task)
    if (hindrance) throw hindrance
    this.#background.executeTask(task.id)
    return done
  }

  async #refreshPipe(statement: Extract<Statement, { kind: 'alter pipe refresh' }>): Promise<Result> {
    const access = this.#access()
    if (statement.ifExists && !access.find('pipe', statement.name)) return done
    const result = await refreshPipe(this.#core, access.existing('pipe', statement.name, 'OPERATE'), statement)
    this.#background.pipesChanged()
    return result
  }

  #use({ what, name }: Use): void {
    const access = this.#access()
    const [only = ''] = name
    if (what === 'role') {
      if (!this.#core.catalog.find('role', name)) throw missing('role', name)
      if (!inheritedRoles(this.#core, { kind: 'user', name: this.user }).has(only)) {
        const text = `Requested role '${nameText(name)}' is not assigned to the executing user. Specify another role to activate.`
        throw new SqlError('003013', '42501', `SQL access control error:\n${text}`)
      }
      this.state.role = only
    } else if (what === 'warehouse') {
      this.state.warehouse = access.existing('warehouse', name, 'USAGE').name[0] ?? null
    } else if (what === 'database') {
      const [database = ''] = access.existing('database', name, 'USAGE').name
      this.state.database = database
      this.state.schema = access.find('schema', [database, 'PUBLIC']) ? 'PUBLIC' : null
    } else {
      const [database = '', schema = ''] = access.existing('schema', name, 'USAGE').name
      this.state.database = database
      this.state.schema = schema
    }
  }
}

async function executeSelect(
  standing: Standing,
  query: Extract<Statement, { kind: 'select' }>['query'],
  binds: Binds,
): Promise<Result> {
  const scope = openScope(standing, binds)
  const { sql, columns } = await translateQuery(query, scope)
  const { rows } = await standing.transaction.read(sql, scope.parameters)
  return {
    kind: 'select',
    columns: columns.map(({ name, type }) => ({ name, type, nullable: true })),
    rows: rows.map((row) => row.map((cell, index) => wireCell(cell, columns[index]?.type.kind))),
  }
}

/** Times with a zone carry it as minutes, 1440 being UTC; they are kept in UTC here. */
function wireCell(cell: string | null, kind: string | undefined): string | null {
  return cell !== null && kind === 'timestamp_tz' ? `${cell} 1440` : cell
}
