import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Failure } from '../../src/failure.ts'
import type { Bind, Result } from '../../src/local/warehouse/engine.ts'
import { openServer, type WarehouseServer } from '../../src/local/warehouse/wire/server.ts'
import { SqlError } from '../../src/local/warehouse/sql/statement.ts'
import { connectSnowflake, type LoginConfig } from '../../src/snowflake/session.ts'
import { countResult, heldAnswer, tableEngine, textResult } from '../support/table-engine.ts'

const digits38 = '12345678901234567890123456789012345678'
const variant = `{"n":${digits38},"d":0.12345678901234567890123456789012345678,"s":"\\u00e9 😀","e":{},"z":null}`

/** Column, type, wire text, what a session gives. */
const cells = [
  ['N', { kind: 'number', precision: 38, scale: 0 }, digits38, digits38],
  ['MINUS', { kind: 'number', precision: 38, scale: 0 }, `-${digits38}`, `-${digits38}`],
  ['D', { kind: 'number', precision: 38, scale: 4 }, '99999999999999.1234', '99999999999999.1234'],
  ['F', { kind: 'float' }, '1.5e+300', '1.5e+300'],
  ['T', { kind: 'varchar', length: 134_217_728 }, 'Zeile\n\'😀"', 'Zeile\n\'😀"'],
  ['EMPTY', { kind: 'varchar', length: 1 }, '', ''],
  ['YES', { kind: 'boolean' }, 'true', true],
  ['NO', { kind: 'boolean' }, '0', false],
  ['V', { kind: 'variant' }, variant, variant],
  ['VNULL', { kind: 'variant' }, 'null', 'null'],
  ['O', { kind: 'object' }, variant, variant],
  ['A', { kind: 'array' }, `[${digits38}]`, `[${digits38}]`],
  ['DAY', { kind: 'date' }, '19999', new Date('2024-10-03T00:00:00Z')],
  ['NTZ', { kind: 'timestamp_ntz', scale: 9 }, '1727956800.123456789', new Date('2024-10-03T12:00:00.123Z')],
  ['LTZ', { kind: 'timestamp_ltz', scale: 3 }, '1727956800.123', new Date('2024-10-03T12:00:00.123Z')],
  ['TZ', { kind: 'timestamp_tz', scale: 9 }, '1727956800.500000000 1560', new Date('2024-10-03T12:00:00.500Z')],
  ['TIME', { kind: 'time', scale: 0 }, '3661', '01:01:01'],
  ['"lower"', { kind: 'varchar', length: 1 }, 'x', 'x'],
] as const

const everyType: Result = {
  kind: 'select',
  columns: cells.map(([name, type]) => ({ name, nullable: true, type })),
  rows: [cells.map(([, , wire]) => wire), cells.map(() => null)],
}

const held = heldAnswer('at last')
const engine = tableEngine({
  'every type': () => everyType,
  'no rows': () => ({ ...everyType, rows: [] }),
  'many rows': () => ({
    ...textResult(null),
    rows: Array.from({ length: 30_000 }, (_, index) => [String(index)]),
  }),
  binds: (binds: Readonly<Record<string, Bind>>) => textResult(JSON.stringify(binds)),
  place: (_, { database, schema, role, warehouse }) =>
    textResult(JSON.stringify({ database, schema, role, warehouse })),
  merge: () => countResult('merge', { inserted: 3, updated: 4, deleted: 5 }),
  insert: () => countResult('insert', { inserted: 2 }),
  ddl: () => ({ ...textResult('Table T successfully created.'), kind: 'ddl' }),
  '-- a comment\nduplicate': () =>
    Promise.reject(new SqlError('100090', '42P18', 'Duplicate row detected during DML action')),
  defect: () => Promise.reject(new TypeError('planted')),
  held: held.answer,
})

const logged: object[] = []
let dir: string
let server: WarehouseServer
let nowMs = Date.now()

/** A key pair on disk: the private key as it is and under a passphrase, the public key for the server. */
async function keyPair(name: string): Promise<{ open: string; locked: string; public: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const files = {
    open: join(dir, `${name}.p8`),
    locked: join(dir, `${name}.locked.p8`),
    public: join(dir, `${name}.pub`),
  }
  const cipher = { cipher: 'aes-256-cbc', passphrase: 'open sesame' }
  await writeFile(files.open, privateKey.export({ format: 'pem', type: 'pkcs8' }))
  await writeFile(files.locked, privateKey.export({ format: 'pem', type: 'pkcs8', ...cipher }))
  await writeFile(files.public, publicKey.export({ format: 'pem', type: 'spki' }))
  return files
}

let keys: Awaited<ReturnType<typeof keyPair>>
let strangerKeys: Awaited<ReturnType<typeof keyPair>>

function open(port = 0): Promise<WarehouseServer> {
  const record = (fields: object): void => void logged.push(fields)
  return openServer(
    {
      port,
      users: [{ name: 'firn', password: 'secret word', publicKeyFile: keys.public }],
      logger: { info: record, error: record },
      now: () => nowMs,
      answerWithinMs: 500,
    },
    engine,
  )
}

function config(more: Partial<LoginConfig> = {}): LoginConfig {
  const base = { account: 'local', accessUrl: server.url, user: 'firn', database: 'CDC' }
  return { ...base, ...(more.privateKeyFile === undefined && { password: 'secret word' }), ...more }
}

function fails(code: Failure['code'], message: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof Failure, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
}

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'firn-session-'))
  keys = await keyPair('own')
  strangerKeys = await keyPair('stranger')
  server = await open()
})

after(async () => {
  held.letGo()
  await server.close()
  await rm(dir, { recursive: true, force: true })
})

test('a value of each type arrives exactly, and null is null', async () => {
  const session = await connectSnowflake(config())
  const [row, nulls, ...rest] = await session.query('every type')
  assert.deepEqual(row, Object.fromEntries(cells.map(([name, , , value]) => [name, value])))
  assert.deepEqual(nulls, Object.fromEntries(cells.map(([name]) => [name, null])))
  assert.deepEqual(rest, [])
  await session.close()
})

test('no rows are no rows, and many arrive in order', async () => {
  const session = await connectSnowflake(config())
  assert.deepEqual(await session.query('no rows'), [])
  const rows = await session.query('many rows')
  assert.deepEqual(
    rows.map((row) => row['T']),
    Array.from({ length: 30_000 }, (_, index) => String(index)),
  )
  await session.close()
})

test('binds arrive with their types', async () => {
  const session = await connectSnowflake(config())
  const [row] = await session.query('binds', ["it's", 42, 1.5, true, null, digits38])
  assert.deepEqual(JSON.parse(row?.['T'] as string), {
    1: { type: 'TEXT', value: "it's" },
    2: { type: 'FIXED', value: '42' },
    3: { type: 'REAL', value: '1.5' },
    4: { type: 'BOOLEAN', value: 'true' },
    5: { type: 'TEXT', value: null },
    6: { type: 'TEXT', value: digits38 },
  })
  await session.close()
})

test('a session starts where the configuration says, names taken as written', async () => {
  const session = await connectSnowflake(config({ database: 'cdc', role: 'The "Owner"', warehouse: 'WH' }))
  const [row] = await session.query('place')
  const place = { database: 'cdc', schema: null, role: 'The "Owner"', warehouse: 'WH' }
  assert.deepEqual(JSON.parse(row?.['T'] as string), place)
  await session.close()
})

test('a DML says how many rows it changed, other statements say 0', async () => {
  const session = await connectSnowflake(config())
  assert.equal(await session.execute('merge'), 12)
  assert.equal(await session.execute('insert'), 2)
  assert.equal(await session.execute('ddl'), 0)
  assert.deepEqual(await session.query('insert'), [{ 'number of rows inserted': '2' }])
  await session.close()
})

test('a refused statement fails once, with code, SQL state and query id, and the session goes on', async () => {
  const session = await connectSnowflake(config())
  const before = engine.ran.length
  await assert.rejects(
    session.query('-- a comment\nduplicate', [1]),
    fails('STATEMENT_FAILED', /"duplicate": Duplicate row .* \(code 100090, SQL state 42P18, query [0-9a-f-]{36}\)$/),
  )
  await assert.rejects(session.execute('no such thing'), fails('STATEMENT_FAILED', /code 002003, SQL state 02000/))
  assert.deepEqual(engine.ran.slice(before), ['-- a comment\nduplicate', 'no such thing'])
  assert.equal((await session.query('every type')).length, 2)
  await session.close()
})

test('a defect behind the protocol is a failed statement, and the server stays up', async () => {
  const session = await connectSnowflake(config())
  await assert.rejects(session.query('defect'), fails('STATEMENT_FAILED', /planted \(code 000603, SQL state XX000/))
  assert.equal((await session.query('no rows')).length, 0)
  await session.close()
})

test('a long statement is waited for', async () => {
  const session = await connectSnowflake(config())
  const rows = session.query('held')
  setTimeout(held.letGo, 1_500)
  assert.deepEqual(await rows, [{ T: 'at last' }])
  await session.close()
})

test('a closed session is closed at the server too', async () => {
  const session = await connectSnowflake(config())
  const opened = engine.open.size
  await session.close()
  assert.equal(engine.open.size, opened - 1)
})

test('a wrong password is denied, and no password is logged', async () => {
  await assert.rejects(
    connectSnowflake(config({ password: 'wrong word' })),
    fails('WAREHOUSE_DENIED', /^firn at http.*Incorrect username or password.*code 390100/),
  )
  await assert.rejects(connectSnowflake(config({ user: 'nobody' })), fails('WAREHOUSE_DENIED', /code 390100/))
  assert.doesNotMatch(JSON.stringify(logged), /secret word|wrong word/)
})

test('a key logs in, with and without a passphrase; another key and a late token are denied', async () => {
  const plain = await connectSnowflake(config({ privateKeyFile: keys.open }))
  await plain.close()
  const locked = await connectSnowflake(config({ privateKeyFile: keys.locked, privateKeyPassphrase: 'open sesame' }))
  await locked.close()
  await assert.rejects(
    connectSnowflake(config({ privateKeyFile: strangerKeys.open })),
    fails('WAREHOUSE_DENIED', /JWT token is invalid.*code 390144/),
  )
  nowMs += 600_000
  await assert.rejects(
    connectSnowflake(config({ privateKeyFile: keys.open })),
    fails('WAREHOUSE_DENIED', /JWT token is invalid/),
  )
  nowMs = Date.now()
})

test('a key file that is none, or is locked, is named before anybody is asked', async () => {
  const missing = join(dir, 'missing.p8')
  await assert.rejects(connectSnowflake(config({ privateKeyFile: missing })), fails('CONFIG_INVALID', /missing\.p8/))
  await assert.rejects(connectSnowflake(config({ privateKeyFile: keys.public })), fails('CONFIG_INVALID', /own\.pub/))
  await assert.rejects(
    connectSnowflake(config({ privateKeyFile: keys.locked })),
    fails('CONFIG_INVALID', /own\.locked/),
  )
})

test('an expired session token is renewed in silence, and the session keeps its place', async () => {
  const session = await connectSnowflake(config())
  const logins = logged.length
  nowMs += 3_601_000
  assert.equal((await session.query('every type')).length, 2)
  assert.equal(logged.length, logins, 'no new login')
  nowMs = Date.now()
  await session.close()
})

test('after four idle hours a statement fails as retryable, and the next one logs in again', async () => {
  const session = await connectSnowflake(config())
  nowMs += 5 * 3_600_000
  await assert.rejects(session.query('every type'), fails('WAREHOUSE_UNREACHABLE', /the session has ended/))
  assert.equal((await session.query('every type')).length, 2)
  nowMs = Date.now()
  await session.close()
})

test('after a restart of the server a statement fails as retryable, and the next one logs in again', async () => {
  const session = await connectSnowflake(config())
  const { port } = server
  await server.close()
  server = await open(port)
  const before = engine.ran.length
  await assert.rejects(session.query('no rows'), fails('WAREHOUSE_UNREACHABLE', /the session has ended/))
  assert.equal(engine.ran.length, before, 'the failed statement did not run')
  assert.deepEqual(await session.query('no rows'), [])
  await session.close()
})

test('where nothing listens, login and statement fail within a minute, and close resolves', async () => {
  const session = await connectSnowflake(config())
  const { port } = server
  await server.close()
  const started = Date.now()
  await assert.rejects(connectSnowflake(config()), fails('WAREHOUSE_UNREACHABLE', /^firn at http.*ECONNREFUSED$/))
  await assert.rejects(session.query('no rows'), fails('WAREHOUSE_UNREACHABLE', /"no rows": ECONNREFUSED$/))
  assert.ok(Date.now() - started < 60_000)
  await session.close()
  server = await open(port)
})

test('what answers but is no Snowflake is unreachable', async () => {
  const stranger = createServer((socket) => socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno'))
  stranger.listen(0, '127.0.0.1')
  await new Promise((resolve) => stranger.once('listening', resolve))
  const { port } = stranger.address() as { port: number }
  const accessUrl = `http://127.0.0.1:${port}/`
  await assert.rejects(connectSnowflake(config({ accessUrl })), fails('WAREHOUSE_UNREACHABLE', /HTTP status 404$/))
  stranger.close()
})

test('a session without password and key is refused', async () => {
  const { password, ...without } = config()
  assert.ok(password)
  await assert.rejects(connectSnowflake(without), fails('CONFIG_INVALID', /needs password or privateKeyFile/))
})
