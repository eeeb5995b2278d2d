/**
 * A process with a task whose transaction takes a stream in two statements, until it is killed. Says `started` when it has
 * asked for a run, and `committed` when the run's rows are there.
 */
import { randomUUID } from 'node:crypto'
import { openFolder } from './engine-fixture.ts'

const { session } = await openFolder(process.argv[2] ?? '')
const run = (sql: string) => session.execute(sql, {}, randomUUID())
for (const sql of [
  'CREATE DATABASE IF NOT EXISTS db',
  'USE SCHEMA db.public',
  'CREATE TABLE IF NOT EXISTS landing (id VARCHAR)',
  'CREATE TABLE IF NOT EXISTS target (id VARCHAR)',
  'CREATE TABLE IF NOT EXISTS counted (id VARCHAR)',
  'CREATE STREAM IF NOT EXISTS s ON TABLE landing APPEND_ONLY = TRUE',
  // The second statement takes long, so that a kill soon after the first falls between the two.
  `CREATE TASK IF NOT EXISTS k SCHEDULE = '60 MINUTES' WHEN SYSTEM$STREAM_HAS_DATA('s') AS EXECUTE IMMEDIATE $$
     BEGIN
       BEGIN TRANSACTION;
       INSERT INTO target SELECT id FROM s;
       INSERT INTO counted SELECT a.id FROM s a JOIN s b ON a.id >= b.id
         QUALIFY ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.id) = 1;
       COMMIT;
     EXCEPTION WHEN OTHER THEN ROLLBACK; RAISE;
     END; $$`,
]) {
  await run(sql)
}
for (;;) {
  const values = Array.from({ length: 1500 }, () => `('${randomUUID()}')`)
  await run(`INSERT INTO landing VALUES ${values.join(', ')}`)
  const before = (await run('SELECT COUNT(*) FROM target')).rows[0]?.[0]
  await run('EXECUTE TASK k')
  process.stdout.write('started\n')
  while ((await run('SELECT COUNT(*) FROM target')).rows[0]?.[0] === before) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  process.stdout.write('committed\n')
}
