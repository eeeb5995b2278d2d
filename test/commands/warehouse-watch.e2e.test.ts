/**
 * What a running service tells of the warehouse: how far its partitions are loaded and merged, what it finds, what the schema
 * lacks; and that none of it stops staging. With the rights of the ingest role.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { kafkaClient, Partitioners } from '../../src/kafka/client.ts'
import { connectSnowflake, type Session } from '../../src/snowflake/session.ts'
import { openStage } from '../../src/stage/s3.ts'
import { createLogger } from '../../src/telemetry.ts'
import { firn, type Running, startFirn } from '../support/firn.ts'
import { testStack } from '../support/stack.ts'
import { until } from '../support/until.ts'

const { kafka: kafkaAt, s3, warehouse } = testStack()
const id = randomBytes(4).toString('hex')
const topic = `watch-${id}`
const later = `${topic}-later`
const database = `WATCH_${id.toUpperCase()}`
const schema = `${database}.FIRN`
const pipe = `${schema}.WATCH_${id.toUpperCase()}_PIPE_2`
const landing = `${schema}.WATCH_${id.toUpperCase()}_LANDING`
const merge = `${schema}.SHOP_T_MERGE`

let folder: string
let file: string
/** Without the topic that comes later. */
let firstFile: string
let owner: Session
let ingester: Running
let url = ''
const kafka = kafkaClient(
  { brokers: [...kafkaAt.brokers], group: 'x', clientId: 'test', ssl: false },
  createLogger({ level: 'silent' }),
)
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })

type Ready = {
  readonly ready: boolean
  readonly warehouse: {
    readonly trouble: { readonly code: string; readonly message: string } | null
    readonly findings: readonly { readonly code: string }[]
  }
}

const readyz = async (): Promise<Ready> => (await (await fetch(`${url}/readyz`)).json()) as Ready

/** The values of a metric, by the value of one of its labels. */
async function metric(name: string, label: string): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = [...text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? (\\S+)$`, 'gm'))]
  return Object.fromEntries(
    lines.map(([, labels = '', value]) => [new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1] ?? '', Number(value)]),
  )
}

/** Both merges of the first topic. */
async function runTasks(): Promise<void> {
  for (const task of [merge, `${schema}.SHOP_T_SOFT_MERGE`]) await owner.execute(`EXECUTE TASK ${task}`)
}

async function send(from: number, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, at) => ({
    key: String(from + at),
    partition: 0,
    value: JSON.stringify({ operation: 'INSERT', before: null, after: { id: from + at } }),
  }))
  await producer.send({ topic, messages })
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firn-watch-'))
  file = join(folder, 'firn.yaml')
  firstFile = join(folder, 'first.yaml')
  const { accessUrl, account, user, password, warehouse: compute, storageIntegration } = warehouse
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = s3
  const config = {
    kafka: { brokers: kafkaAt.brokers, group: topic },
    stage: { bucket, prefix: `${topic}/`, region, endpoint, accessKeyId, secretAccessKey },
    warehouse: { accessUrl, account, user, password, warehouse: compute, storageIntegration, database },
    ingest: { freshness: '300ms' },
    audit: { every: '1s', patience: '3s' },
    status: { listen: '127.0.0.1:0' },
    tables: [
      { topic, table: 'SHOP.T', key: ['id'] },
      { topic, table: 'SHOP.T_SOFT', key: ['id'], deletes: 'soft' },
      { topic: later, table: 'SHOP.LATER', key: ['id'] },
    ],
  }
  await writeFile(file, stringify(config))
  await writeFile(firstFile, stringify({ ...config, tables: config.tables.slice(0, 2) }))
  owner = await connectSnowflake({ ...warehouse, database })
  await producer.connect()
  const admin = kafka.admin()
  await admin.connect()
  const topics = [topic, later].map((name) => ({ topic: name, numPartitions: 1 }))
  await admin.createTopics({ topics, waitForLeaders: false })
  await admin.disconnect()
  ingester = startFirn(['run', '--config', file], { FIRN_WAREHOUSE_ROLE: 'FIRN_INGEST' })
  const port = await until(
    'the status server',
    () => /"status":"port (\d+)"/.exec(ingester.log())?.[1] ?? '',
    (found) => found !== '',
  )
  url = `http://127.0.0.1:${port}`
})

after(async () => {
  ingester.process.kill('SIGTERM')
  await ingester.finished
  await producer.disconnect()
  await owner.execute(`DROP DATABASE IF EXISTS ${database}`)
  await owner.close()
  await rm(folder, { recursive: true })
})

describe('a running service', { concurrency: false }, () => {
  test('says which migrations and rights are missing, and stages all the same', async () => {
    await send(0, 5)
    const { warehouse: told } = await until('the lack', readyz, (state) => state.warehouse.trouble !== null)
    assert.equal(told.trouble?.code, 'MIGRATION_MISSING')
    assert.match(told.trouble.message, /^33 of 33 scripts are not applied: V000__ledger\.sql, /)
    await until(
      'files on the stage',
      () => metric('firn_staged_offset', 'topic'),
      (staged) => staged[topic] === 5,
    )
    const { ready } = await until('a member of the group', readyz, (state) => state.ready)
    assert.equal(ready, true)
    assert.deepEqual(await metric('firn_schema_pending_scripts', 'x'), { '': 33 })
    assert.match(ingester.log(), /"code":"MIGRATION_MISSING"/)
  })

  test('tells how far it is loaded and merged, and finds nothing where all is well', async () => {
    const { code, stderr } = await firn(['migrate', '--config', firstFile])
    assert.equal(code, 0, stderr)
    const checked = await firn(['check', '--config', firstFile], { FIRN_WAREHOUSE_ROLE: 'FIRN_INGEST' })
    assert.equal(checked.code, 0, checked.stdout)
    await owner.execute(`ALTER TASK ${merge} SUSPEND`)
    await until(
      'loaded',
      () => metric('firn_loaded_offset', 'topic'),
      (loaded) => loaded[topic] === 5,
    )
    assert.equal((await metric('firn_merged_offset', 'table'))['SHOP.T'], 0)
    assert.equal((await metric('firn_loaded_lag_seconds', 'topic'))[topic], 0)
    assert.ok(((await metric('firn_merged_lag_seconds', 'table'))['SHOP.T'] ?? 0) > 0)
    await owner.execute(`ALTER TASK ${merge} RESUME`)
    await runTasks()
    await until(
      'merged',
      () => metric('firn_merged_offset', 'table'),
      (merged) => merged['SHOP.T'] === 5 && merged['SHOP.T_SOFT'] === 5,
    )
    assert.equal((await metric('firn_merged_lag_seconds', 'table'))['SHOP.T'], 0)
    const [newest = 0] = Object.values(await metric('firn_merged_source_timestamp_seconds', 'table'))
    assert.ok(Math.abs(newest - Date.now() / 1_000) < 3_600)
    const { warehouse: told } = await until(
      'nothing is found',
      readyz,
      (state) => state.warehouse.findings.length === 0,
    )
    // The other topic hides nothing of this one.
    assert.match(told.trouble?.message ?? '', /^10 of 33 scripts are not applied: R__\w+_LATER__10_landing\.sql, /)
    assert.deepEqual(await metric('firn_schema_pending_scripts', 'x'), { '': 10 })
  })

  test('finds that a pipe stands still, with the files that wait for it, and forgets it when it is over', async () => {
    await owner.execute(`ALTER PIPE ${pipe} SET PIPE_EXECUTION_PAUSED = TRUE`)
    await send(5, 3)
    const codes = (state: Ready) => state.warehouse.findings.map(({ code }) => code).sort()
    const found = await until('both', readyz, (state) => codes(state).includes('FILE_NOT_LOADED'))
    assert.ok(codes(found).includes('PIPE_PAUSED'))
    assert.equal(found.ready, true)
    assert.equal((await metric('firn_loaded_offset', 'topic'))[topic], 5)
    assert.equal((await metric('firn_audit_findings', 'code'))['PIPE_PAUSED'], 1)
    assert.ok(((await metric('firn_loaded_lag_seconds', 'topic'))[topic] ?? 0) > 3)
    assert.match(ingester.log(), /"code":"PIPE_PAUSED".*"msg":"audit: /)
    await owner.execute(`ALTER PIPE ${pipe} SET PIPE_EXECUTION_PAUSED = FALSE`)
    await until(
      'loaded again',
      () => metric('firn_loaded_offset', 'topic'),
      (loaded) => loaded[topic] === 8,
    )
    assert.equal((await metric('firn_loaded_lag_seconds', 'topic'))[topic], 0)
    await runTasks()
    await until('nothing any more', readyz, (state) => codes(state).length === 0)
  })

  test('takes what was merged by one table a day before another for merged, and what was removed since for loaded', async () => {
    await owner.execute(
      `UPDATE ${schema}.MERGED_FILES SET merged_at = DATEADD('day', -2, merged_at) WHERE target_table = 'SHOP.T'`,
    )
    const stage = openStage({ ...s3, prefix: `${topic}/` })
    for await (const { key } of stage.list(`${topic}/${topic}/e1/`)) await stage.remove(key)
    stage.close()
    const before = await metric('firn_audit_timestamp_seconds', 'x')
    await firn(['migrate', '--config', file])
    // A turn that began amid the migration finds what was not made yet.
    await until('all is well', readyz, ({ warehouse: told }) => told.trouble === null && told.findings.length === 0)
    await until(
      'a turn after that',
      () => metric('firn_audit_timestamp_seconds', 'x'),
      (now) => (now[''] ?? 0) > (before[''] ?? 0) + 2,
    )
    assert.deepEqual((await readyz()).warehouse, { trouble: null, findings: [] })
    assert.equal((await metric('firn_loaded_offset', 'topic'))[topic], 8)
    assert.deepEqual(await metric('firn_warehouse_reachable', 'x'), { '': 1 })
  })

  test('names a right that it lacks, and goes on', async () => {
    await owner.execute(`REVOKE SELECT ON TABLE ${schema}.MERGED_FILES FROM ROLE FIRN_INGEST`)
    const { warehouse: told } = await until('the lack', readyz, (state) => state.warehouse.trouble !== null)
    assert.equal(told.trouble?.code, 'RIGHT_MISSING')
    assert.match(
      JSON.stringify(told.trouble),
      new RegExp(`GRANT SELECT ON TABLE ${schema}\\.MERGED_FILES TO ROLE FIRN_INGEST`),
    )
    const { code, stdout } = await firn(['check', '--config', file], { FIRN_WAREHOUSE_ROLE: 'FIRN_INGEST' })
    assert.equal(code, 3)
    assert.match(
      stdout,
      /^fail .* rights: 1 tables cannot be read.*GRANT SELECT ON TABLE \S+\.MERGED_FILES TO ROLE FIRN_INGEST$/m,
    )
    await owner.execute(`GRANT SELECT ON TABLE ${schema}.MERGED_FILES TO ROLE FIRN_INGEST`)
    await until('it is over', readyz, (state) => state.warehouse.trouble === null)
  })

  test('a file that goes right behind what was merged is a gap, and both watermarks stop there', async () => {
    await owner.execute(`ALTER PIPE ${pipe} SET PIPE_EXECUTION_PAUSED = TRUE`)
    for (const [from, until_] of [
      [8, 10],
      [10, 12],
    ] as const) {
      await send(from, 2)
      await until(
        `staged to ${until_}`,
        () => metric('firn_staged_offset', 'topic'),
        (staged) => staged[topic] === until_,
      )
    }
    const stage = openStage({ ...s3, prefix: `${topic}/` })
    for await (const { key } of stage.list(`${topic}/${topic}/e1/`)) {
      if (key.includes('/00000000000000000008-')) await stage.remove(key)
    }
    stage.close()
    await owner.execute(`ALTER PIPE ${pipe} SET PIPE_EXECUTION_PAUSED = FALSE`)
    await until(
      'the other file',
      async () => (await owner.query(`SELECT COUNT(*) AS N FROM ${landing} WHERE kafka_offset >= 10`))[0]?.['N'],
      (count) => count === '2',
    )
    await runTasks()
    const codes = (state: Ready) => state.warehouse.findings.map(({ code }) => code)
    await until('the gap', readyz, (state) => codes(state).join() === 'STAGE_GAP')
    assert.equal((await metric('firn_loaded_offset', 'topic'))[topic], 8)
    assert.equal((await metric('firn_merged_offset', 'table'))['SHOP.T'], 8)
  })
})
