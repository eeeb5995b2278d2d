/**
 * A process that fills a landing table and takes its stream until it is killed. Says `committed` after each transaction.
 */
import { randomUUID } from 'node:crypto'
import { openFolder } from './engine-fixture.ts'

const { session } = await openFolder(process.argv[2] ?? '')
const run = (sql: string) => session.execute(sql, {}, randomUUID())
for (const sql of [
  'CREATE DATABASE IF NOT EXISTS db',
  'USE SCHEMA db.public',
  'CREATE TABLE IF NOT EXISTS landing (id VARCHAR)',
  'ALTER TABLE landing ADD COLUMN IF NOT EXISTS later VARCHAR',
  'CREATE TABLE IF NOT EXISTS target (id VARCHAR)',
  'CREATE STREAM IF NOT EXISTS s ON TABLE landing APPEND_ONLY = TRUE',
]) {
  await run(sql)
}
for (;;) {
  await run(`INSERT INTO landing (id) VALUES ('${randomUUID()}'), ('${randomUUID()}')`)
  await run('BEGIN')
  await run('INSERT INTO target SELECT id FROM s')
  await run('COMMIT')
  process.stdout.write('committed\n')
}
