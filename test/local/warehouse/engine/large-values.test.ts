/** Values as large as Snowflake takes them, and one byte more. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openFixture, parquetOf, refusal } from './engine-fixture.ts'

const bytesMax = 134_217_728

test('a text or a VARIANT of more than 128 MiB is refused, counted in bytes', async (t) => {
  const f = await openFixture(t)
  await f.run(
    'CREATE TABLE texts (t VARCHAR(134217728))',
    'CREATE TABLE variants (v VARIANT)',
    'CREATE FILE FORMAT pq TYPE = PARQUET',
    `CREATE STAGE st URL = 's3://cdc/' STORAGE_INTEGRATION = FIRN_S3`,
  )
  const load = async (query: string): Promise<void> => {
    f.stage.objects.set('a.parquet', await parquetOf(query))
    await f.run(
      `COPY INTO texts (t) FROM (SELECT $1:t::VARCHAR(134217728) FROM @st/) FILE_FORMAT = (FORMAT_NAME = 'pq')`,
    )
  }
  // Half as many characters as the type has, and a byte too many.
  await assert.rejects(load(`SELECT 'x' || repeat('é', ${String(bytesMax / 2)}) AS t`), refusal('100082'))
  await load(`SELECT repeat('x', ${String(bytesMax)}) AS t`)
  assert.deepEqual(await f.rows('SELECT LENGTH(t) FROM texts'), [[String(bytesMax)]])
  await assert.rejects(f.run('INSERT INTO variants SELECT TO_VARIANT(t) FROM texts'), refusal('100082'))
})
