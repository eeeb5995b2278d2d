/**
 * A session at Snowflake: log in, run statements, read rows as they are. The only importer of the vendor's driver.
 * What is run, and what follows from a failure, is the callers' to decide; how a failure is named is in driver-failure.ts.
 */
import { createPrivateKey } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Connection, ConnectionOptions, RowStatement } from 'snowflake-sdk'
import type { WarehouseConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import { identifier } from '../identifier.ts'
import { endsSession, isUnreachable, loginFailure, statementFailure } from './driver-failure.ts'

/**
 * A value of a result. Nothing is rounded: NUMBER and FLOAT are their digits as text, VARIANT, OBJECT and ARRAY their JSON
 * text, TIME and BINARY (hex) text too. DATE and TIMESTAMP are a Date, to the millisecond; whoever needs more selects TO_VARCHAR.
 */
export type Cell = string | boolean | Date | null

/** By column name, as Snowflake writes it: upper case unless quoted, lower case in SHOW and DESC. */
export type Row = Readonly<Record<string, Cell>>

export type Bind = string | number | boolean | null

/**
 * Each call is one statement, run at most once by Snowflake: the driver repeats a lost request under the same request id.
 * After WAREHOUSE_UNREACHABLE the outcome of the statement is unknown. A session that Snowflake has ended (or that a
 * restart has lost) fails the statement that meets this; the next call logs in again, so nothing that a statement sets for
 * the session (USE, a transaction over several calls) may be relied on after a failure.
 */
export interface Session {
  /** All rows of one statement. @throws Failure WAREHOUSE_UNREACHABLE, WAREHOUSE_DENIED, STATEMENT_FAILED */
  query(sql: string, binds?: readonly Bind[]): Promise<readonly Row[]>

  /** Runs one statement; how many rows a DML inserted, updated and deleted together, 0 for others. @throws as query */
  execute(sql: string, binds?: readonly Bind[]): Promise<number>

  /** Ends the session. Resolves also where Snowflake is not there to hear it: it forgets idle sessions by itself. */
  close(): Promise<void>
}

/**
 * How long one request may take. Snowflake answers a long statement after 45 s with "in progress", so only a server that is
 * gone takes longer.
 */
const requestMs = 60_000

/** The same for the whole of a login with its repetitions. */
const loginMs = 60_000

/** Repetitions after a network error or a 5xx: 2, after at most 1 s to 4 s each. Who calls repeats the whole as `retry` says. */
const repetitions = { maxRetries: 2, sleepBase: 1, sleepCap: 4 }

/** Of the section warehouse, what a login needs. */
export type LoginConfig = Pick<
  WarehouseConfig,
  | 'account'
  | 'accessUrl'
  | 'user'
  | 'password'
  | 'privateKeyFile'
  | 'privateKeyPassphrase'
  | 'role'
  | 'warehouse'
  | 'database'
>

/** @throws Failure WAREHOUSE_UNREACHABLE, WAREHOUSE_DENIED, CONFIG_INVALID */
export async function connectSnowflake(config: LoginConfig): Promise<Session> {
  let connection: Promise<Connection> | null = login(config)
  await connection

  async function run(sql: string, binds: readonly Bind[]): Promise<RowStatement> {
    const current = (connection ??= login(config))
    try {
      return await start(await current, sql, binds)
    } catch (error) {
      if (connection === current && (error instanceof Failure || endsSession(error))) connection = null
      throw statementFailure(error, sql)
    }
  }

  return {
    async query(sql, binds = []) {
      const statement = await run(sql, binds)
      try {
        const rows: Row[] = []
        for await (const row of statement.streamRows()) rows.push(plainRow(row as Record<string, unknown>))
        return rows
      } catch (error) {
        throw statementFailure(error, sql)
      }
    },
    async execute(sql, binds = []) {
      const statement = await run(sql, binds)
      return Math.max(0, statement.getNumUpdatedRows() ?? 0)
    },
    async close() {
      const current = connection
      connection = null
      if (current) await destroy(await current)
    },
  }
}

type Driver = typeof import('snowflake-sdk')
let driver: Promise<Driver> | undefined

/**
 * Loads the driver when first needed: it is large, and reads its environment switches on import. They keep it from probing
 * the metadata services of clouds, from loading native code, and from reporting about the connection.
 */
async function loadDriver(): Promise<Driver> {
  process.env['SNOWFLAKE_DISABLE_PLATFORM_DETECTION'] = 'true'
  process.env['SNOWFLAKE_DISABLE_MINICORE'] = 'true'
  process.env['SF_TELEMETRY_DISABLE_CONNECTION_SHAPE'] = 'true'
  const { default: snowflake } = await import('snowflake-sdk')
  // A VARIANT stays the text that came: parsing it would round its numbers.
  snowflake.configure({ logLevel: 'OFF', additionalLogToConsole: false, jsonColumnVariantParser: (text) => text })
  // The driver repeats a request 7 times, up to 16 s apart, and has no option for it: its HTTP client's defaults do.
  const { default: client } = await import('snowflake-sdk/dist/lib/http/axios_instance.js')
  Object.assign(client.default.defaults, { snowflakeRetryConfig: repetitions })
  return snowflake
}

async function login(config: LoginConfig): Promise<Connection> {
  driver ??= loadDriver()
  const snowflake = await driver
  const options = await connectionOptions(config)
  // Process-wide, as all of configure(): a proxy of the environment leads away from this host, never back to it.
  if (isLoopback(config.accessUrl)) snowflake.configure({ useEnvProxy: false })
  const where = `${config.user} at ${config.accessUrl ?? config.account}`
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<Connection>((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Failure('WAREHOUSE_UNREACHABLE', `no answer to the login of ${where} within ${loginMs / 1000} s`))
      }, loginMs)
      snowflake.createConnection(options).connect((error, connection) => {
        if (error) reject(error)
        else resolve(connection)
      })
    })
  } catch (error) {
    throw loginFailure(error, where)
  } finally {
    clearTimeout(timer)
  }
}

/** Names are as written: bare ones Snowflake would read in capitals. */
async function connectionOptions(config: LoginConfig): Promise<ConnectionOptions> {
  const { account, accessUrl, user, role, warehouse, database } = config
  return {
    account,
    username: user,
    database: identifier(database),
    application: 'Firn',
    timeout: requestMs,
    sfRetryMaxLoginRetries: repetitions.maxRetries,
    fetchAsString: ['Number', 'Buffer'],
    representNullAsStringNull: false,
    ...(accessUrl !== undefined && { accessUrl: accessUrl.replace(/\/+$/, '') }),
    ...(role !== undefined && { role: identifier(role) }),
    ...(warehouse !== undefined && { warehouse: identifier(warehouse) }),
    ...(await credentials(config)),
  }
}

/** A key, where there is one, goes before a password. */
async function credentials(config: LoginConfig): Promise<ConnectionOptions> {
  const { password, privateKeyFile, privateKeyPassphrase } = config
  if (privateKeyFile !== undefined) {
    return { authenticator: 'SNOWFLAKE_JWT', privateKey: await readKey(privateKeyFile, privateKeyPassphrase) }
  }
  if (password !== undefined) return { password }
  throw new Failure('CONFIG_INVALID', 'warehouse: needs password or privateKeyFile')
}

/** The key, decrypted, as PKCS #8 PEM. */
async function readKey(file: string, passphrase: string | undefined): Promise<string> {
  try {
    const key = createPrivateKey({
      key: await readFile(file),
      format: 'pem',
      ...(passphrase !== undefined && { passphrase }),
    })
    return key.export({ format: 'pem', type: 'pkcs8' }).toString()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Failure(
      'CONFIG_INVALID',
      `warehouse.privateKeyFile: ${file} cannot be read as a private key: ${reason}`,
      {
        cause: error,
      },
    )
  }
}

function isLoopback(accessUrl: string | undefined): boolean {
  if (accessUrl === undefined) return false
  return /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(accessUrl).hostname)
}

/** `streamResult`: without it the driver sends a failed statement a second time before it reports. */
function start(connection: Connection, sql: string, binds: readonly Bind[]): Promise<RowStatement> {
  return new Promise((resolve, reject) => {
    connection.execute({
      sqlText: sql,
      ...(binds.length > 0 && { binds }),
      streamResult: true,
      complete: (error, statement) => {
        if (error) reject(error)
        else resolve(statement)
      },
    })
  })
}

function destroy(connection: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.destroy((error) => {
      if (!error || isUnreachable(error) || endsSession(error)) resolve()
      else reject(loginFailure(error, 'the end of the session'))
    })
  })
}

/** The driver's dates carry methods of their own. */
function plainRow(row: Record<string, unknown>): Row {
  const plain: Record<string, Cell> = {}
  for (const [name, value] of Object.entries(row)) {
    plain[name] = value instanceof Date ? new Date(value.getTime()) : ((value ?? null) as Cell)
  }
  return plain
}
