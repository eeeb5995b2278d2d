/**
 * `firn rejects` on the real stack: what is listed and shown, what resolves it, and that retention does not bring it back.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { command } from '../../src/commands/rejects.ts'
import { runValueKey } from '../../src/landing.ts'
import { type OpenReject, readMergeRejects, readOpenRejects } from '../../src/warehouse/reject-rows.ts'
import { warehouseOf } from '../../src/warehouse/values.ts'
import { type AuditGround, change, openAuditGround } from '../audit/audit-ground.ts'
import { endGround, producer, stageAll } from '../ingest/run-ground.ts'
import { type Ran, runCommand } from '../support/command.ts'
import { putRunFile, type RunMessage } from '../support/run-file.ts'
import { until } from '../support/until.ts'

let ground: AuditGround

const headers = { trace: 'abc', odd: Buffer.from([0xff, 0xfe]) }
const binary = Buffer.from([0xff, 0x00, 0x01])

before(async () => {
  ground = await openAuditGround()
  // Offsets 0 to 4 of partition 0, and 0 to 1 of partition 1.
  await producer.send({
    topic: ground.topic,
    messages: [
      { partition: 0, key: '1', value: change('INSERT', 1) },
      { partition: 0, key: 'ключ', value: 'not json \u001b[2J', headers },
      { partition: 0, key: null, value: '{"operation":"INSERT","before":null,"after":{"id":null}}' },
      { partition: 0, key: '3', value: '{"operation":"INSERT","before":null,"after":{"id":3,"s":"\\ud800"}}' },
      { partition: 0, key: '4', value: 'not json either' },
      { partition: 1, key: '5', value: binary },
      { partition: 1, key: '6', value: `"${'long '.repeat(2_000)}` },
    ],
  })
  await stageAll(ground.config)
  await ground.settled()
})

after(async () => {
  await ground.down()
  await endGround()
})

const firn = (...args: readonly string[]): Promise<Ran> =>
  runCommand(command, [...args, '--config', ground.file], { FIRN_WAREHOUSE_ROLE: 'FIRN_OPERATOR' })

type Listed = {
  readonly open: number
  readonly groups: readonly {
    readonly table: string | null
    readonly epoch: number
    readonly code: string
    readonly count: number
    readonly first: object
    readonly last: object
    readonly example: string
    readonly hint: string
  }[]
}

async function listed(...args: readonly string[]): Promise<readonly string[]> {
  const { code, stdout } = await firn('list', '--json', ...args)
  const { open, groups } = JSON.parse(stdout) as Listed
  assert.equal(code, groups.length > 0 ? 3 : 0)
  assert.equal(
    open,
    groups.reduce((sum, { count }) => sum + count, 0),
  )
  return groups.map(({ table, epoch, code: why, count }) => `${table ?? 'landed'} ${epoch} ${why} ${count}`)
}

/** What the view says, which goes by the same rules. */
async function viewed(): Promise<readonly string[]> {
  const rows = await ground.session().query(
    `SELECT CASE op WHEN 'x' THEN 'landed' ELSE 'RUN.T0' END AS T, epoch, SPLIT_PART(error, ':', 1) AS C, COUNT(*) AS N
     FROM ${ground.names.rejects.sql} GROUP BY 1, 2, 3 ORDER BY 1 DESC, 2, 3`,
  )
  return rows.map((row) => Object.values(row).join(' ')).sort((a, b) => Number(a > b) - Number(a < b))
}

async function agree(expected: readonly string[]): Promise<void> {
  assert.deepEqual(await listed(), expected)
  assert.deepEqual(await viewed(), expected.toSorted())
}

const run = (name: string, place: { epoch?: number; partition: number }, ...messages: readonly RunMessage[]) =>
  putRunFile(ground.stage, ground.config.stage.prefix, { run: name, table: ground.table, ...place }, messages)

async function retained(): Promise<void> {
  const task = ground.names.retention
  const runs = () =>
    ground.one(
      `SELECT COUNT(*) FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => '${task.bare}', RESULT_LIMIT => 1000)) WHERE state = 'SUCCEEDED'`,
    )
  const before = Number(await runs())
  await ground.session().execute(`EXECUTE TASK ${task.sql}`)
  await until('retention', runs, (count) => Number(count) > before)
}

async function rejects(filter: Parameters<typeof readOpenRejects>[3] = {}): Promise<readonly OpenReject[]> {
  const all: OpenReject[] = []
  const pages = readOpenRejects(ground.session(), warehouseOf(ground.config), ground.topic, filter)
  for await (const page of pages) all.push(...page)
  return all
}

const all = ['landed 1 KEY_MISSING 1', 'landed 1 NOT_JSON 3', 'landed 1 NOT_UTF8 1', 'RUN.T0 1 JSON_REFUSED 1']

describe('firn rejects', { concurrency: false }, () => {
  test('lists what is open by topic or table, epoch and code, and exits 3', async () => {
    await agree(all)
    assert.deepEqual(await listed('--topic', ground.topic, '--code', 'NOT_JSON'), ['landed 1 NOT_JSON 3'])
    assert.deepEqual(await listed('--table', 'RUN.T0', '--partition', '1'), [
      'landed 1 NOT_JSON 1',
      'landed 1 NOT_UTF8 1',
    ])
    assert.deepEqual(await listed('--code', 'VALUE_TOO_LARGE'), [])
    const { stdout } = await firn('list')
    assert.match(
      stdout,
      /^NOT_JSON {2}\S+, epoch 1: 3 messages, from 0\/1 to 1\/1, first seen \d{4}-\S+Z\n {2}for example: \S/m,
    )
    assert.match(stdout, /^JSON_REFUSED .*: 1 change that the merge into RUN\.T0 has refused, at 0\/3, /m)
    assert.match(stdout, /open rejects: 6\. To look at one: firn rejects show --topic \S+ --partition 0 --offset 2\n$/)
  })

  test('says that nothing is open, and exits 0', async () => {
    const { code, stdout } = await firn('list', '--code', 'VALUE_TOO_LARGE')
    assert.deepEqual([code, stdout], [0, 'no open rejects\n'])
  })

  test('reads whole messages back as they were received, in the order of their places', async () => {
    const found = await rejects()
    assert.deepEqual(
      found.map(({ epoch, partition, offset, code }) => `${epoch} ${partition}/${offset} ${code}`),
      ['1 0/1 NOT_JSON', '1 0/2 KEY_MISSING', '1 0/4 NOT_JSON', '1 1/0 NOT_UTF8', '1 1/1 NOT_JSON'],
    )
    const [first, second, , third] = found
    assert.ok(first && second && third)
    assert.deepEqual(first.key, Buffer.from('ключ'))
    assert.deepEqual(first.raw, Buffer.from('not json \u001b[2J'))
    assert.deepEqual(first.headers, [
      ['trace', Buffer.from('abc')],
      ['odd', headers.odd],
    ])
    assert.ok(Math.abs(Number(first.timestamp) - Date.now()) < 3_600_000)
    assert.ok(Math.abs(first.firstSeenAt.getTime() - Date.now()) < 3_600_000)
    assert.deepEqual([second.key, second.headers], [null, []])
    assert.deepEqual(third.raw, binary)
    const some = await rejects({ epoch: 1, partition: 0, offsets: { first: 2n, last: 9n }, code: 'NOT_JSON' })
    assert.deepEqual(
      some.map(({ offset }) => offset),
      [4n],
    )
    assert.deepEqual(await rejects({ epoch: 2 }), [])
  })

  test('shows one with all that is known, steers no terminal, and cuts a long value', async () => {
    const place = (partition: number, offset: number) =>
      ['--topic', ground.topic, '--partition', String(partition), '--offset', String(offset)] as const
    const text = (await firn('show', ...place(0, 1))).stdout
    assert.match(text, /^\S+\/0 offset 1, epoch 1: NOT_JSON: \S/)
    assert.match(text, /\n {2}key {9}ключ\n {2}header {6}trace: abc\n {2}header {6}odd: \/\/4=\n/)
    assert.match(text, /\n {2}value {7}13 bytes, as text:\nnot json \\u001b\[2J\n$/)
    assert.match((await firn('show', ...place(1, 0))).stdout, /3 bytes, not UTF-8, as base64:\n\/wAB\n$/)
    assert.match((await firn('show', ...place(1, 1))).stdout, /\n {2}\.\.\. 5905 characters more; --bytes writes/)
    assert.deepEqual((await firn('show', ...place(1, 0), '--bytes')).bytes, binary)
    const refused = (await firn('show', ...place(0, 3))).stdout
    assert.match(refused, /refused by the merge into RUN\.T0: JSON_REFUSED: /)
    assert.match(refused, /\n {2}after {7}\{"id":3,"s":"\\ud800"\}\n$/)
    const { messages } = JSON.parse((await firn('show', ...place(1, 0), '--json')).stdout) as {
      readonly messages: readonly Record<string, unknown>[]
    }
    const [message] = messages
    assert.deepEqual([message?.['offset'], message?.['value']], ['0', { base64: '/wAB' }])
    await assert.rejects(firn('show', ...place(0, 0)), /nothing is open at \S+\/0 offset 0/)
    await assert.rejects(firn('show', ...place(0, 3), '--bytes'), /its message was no reject/)
  })

  test('names what would have worked', async () => {
    const usage = (words: RegExp) => ({ code: 'USAGE', message: words })
    await assert.rejects(
      firn('mend'),
      usage(/there is no firn rejects mend; there are: list, show, retry; for example: /),
    )
    await assert.rejects(firn(), usage(/what to do is missing; there are: list, show, retry; /))
    await assert.rejects(firn('list', '--topic', 'nope'), usage(/has the topic nope; there are run\./))
    await assert.rejects(firn('list', '--table', 'NO.PE'), usage(/no table NO\.PE; there are RUN\.T0$/))
    await assert.rejects(firn('list', '--table', 'RUN.T0', '--topic', ground.topic), usage(/exclude each other/))
    await assert.rejects(
      firn('show', '--topic', ground.topic, '--partition', 'x', '--offset', '1'),
      usage(/--partition x/),
    )
    await assert.rejects(
      firn('show', '--topic', ground.topic),
      usage(/--partition is missing; for example: firn rejects/),
    )
  })
})

describe('a reject', { concurrency: false }, () => {
  test('is resolved by changes of its message that land later, and by nothing else', async () => {
    const value = (id: number) => Buffer.from(change('INSERT', id))
    await run('x', { partition: 0 }, { offset: 1n, value: value(101) }, { offset: 3n, value: value(3), revision: 1 })
    // Of another epoch, and another partition.
    await run('y', { epoch: 2, partition: 0 }, { offset: 2n, value: value(102) })
    await run('y', { partition: 1 }, { offset: 4n, value: value(104) })
    await ground.settled()
    await agree(['landed 1 KEY_MISSING 1', 'landed 1 NOT_JSON 2', 'landed 1 NOT_UTF8 1'])
    assert.equal(await ground.one(`SELECT COUNT(*) FROM ${ground.names.target} WHERE ID IN ('101', '3')`), '2')
    const refused = readMergeRejects(ground.session(), warehouseOf(ground.config), ground.table)
    assert.deepEqual(await refused.next(), { done: true, value: undefined })
  })

  test('that a replay rejects again is shown with the newer reason, once', async () => {
    const decoded = { kind: 'reject', code: 'ORDER_INVALID', reason: 'no order' } as const
    await run('z', { partition: 0 }, { offset: 2n, value: Buffer.from('{}'), decoded })
    await ground.settled()
    await agree(['landed 1 NOT_JSON 2', 'landed 1 NOT_UTF8 1', 'landed 1 ORDER_INVALID 1'])
  })

  test('of a message that was imported from a file has epoch 0, and of a value that was too large names its object', async () => {
    const decoded = { kind: 'reject', code: 'VALUE_TOO_LARGE', reason: '9 bytes' } as const
    const bytes = Buffer.from('too large')
    await run('import', { epoch: 0, partition: 0 }, { offset: 7n, value: bytes, decoded })
    const key = runValueKey(ground.config.stage.prefix, ground.topic, 'import', 7n)
    await ground.settled()
    const place = ['--topic', ground.topic, '--partition', '0', '--offset', '7'] as const
    const { stdout } = await firn('show', ...place)
    assert.match(stdout, /offset 7, epoch 0: VALUE_TOO_LARGE: 9 bytes\n/)
    assert.ok(stdout.endsWith(`\n  value       s3://${ground.config.stage.bucket}/${key}\n`), stdout)
    await assert.rejects(firn('show', ...place, '--bytes'), { code: 'STAGE_FAILED' })
    await ground.stage.put(key, bytes, {})
    assert.deepEqual((await firn('show', ...place, '--bytes')).bytes, bytes)
    assert.deepEqual(
      (await rejects({ epoch: 0 })).map(({ raw }) => raw),
      [null],
    )
  })

  test('at a place that was rejected in several epochs is chosen by its epoch', async () => {
    await run('second', { epoch: 2, partition: 0 }, { offset: 4n, value: Buffer.from('still not json') })
    await ground.settled()
    const place = ['--topic', ground.topic, '--partition', '0', '--offset', '4'] as const
    assert.equal((await firn('show', ...place)).stdout.match(/offset 4, epoch \d/g)?.length, 2)
    await assert.rejects(firn('show', ...place, '--bytes'), /rejected in the epochs 1, 2: choose one with --epoch/)
    assert.equal((await firn('show', ...place, '--epoch', '2', '--bytes')).stdout, 'still not json')
  })

  test('that is resolved stays so when retention prunes what resolved it', async () => {
    const open = await listed()
    assert.equal(open.length, 5)
    const { landing, mergeRejects } = ground.names
    await ground.session().execute(`UPDATE ${landing.sql} SET load_time = DATEADD('day', -40, load_time)`)
    await retained()
    // Nothing is left but what is open.
    assert.equal(await ground.one(`SELECT COUNT(*) FROM ${landing.sql} WHERE op <> 'x'`), '0')
    assert.equal(await ground.one(`SELECT COUNT(*) FROM ${mergeRejects}`), '0')
    await agree(open)
  })

  test('comes in pages that follow each other, whatever their values weigh', async () => {
    const heavy = Buffer.alloc(9 * 2 ** 20, 'x')
    const messages = Array.from({ length: 6 }, (_, at) => ({ offset: BigInt(100 + at), value: heavy }))
    await run('heavy', { partition: 1 }, ...messages)
    await run(
      'many',
      { partition: 1 },
      ...Array.from({ length: 1_200 }, (_, at) => ({ offset: BigInt(200 + at), value: binary })),
    )
    const { landing } = ground.names
    const loaded = () => ground.one(`SELECT COUNT(*) FROM ${landing.sql} WHERE kafka_offset >= 100`)
    await until('the loads', loaded, (rows) => rows === '1206')
    const pages: number[] = []
    const offsets: bigint[] = []
    const filter = { partition: 1, offsets: { first: 100n, last: 9_999n } }
    for await (const page of readOpenRejects(ground.session(), warehouseOf(ground.config), ground.topic, filter)) {
      pages.push(page.length)
      offsets.push(...page.map(({ offset }) => offset))
    }
    assert.deepEqual(offsets, [
      ...messages.map(({ offset }) => offset),
      ...Array.from({ length: 1_200 }, (_, at) => BigInt(200 + at)),
    ])
    // 12 MiB of base64 each: the third one passes 24 MiB, and is the last that begins below 32.
    assert.deepEqual(pages, [3, 3, 1_000, 200])
  })
})
