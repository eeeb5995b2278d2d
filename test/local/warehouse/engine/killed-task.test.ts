/** A kill in the middle of a task's transaction: nothing is half done, and the next run takes the same rows. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openFolder } from './engine-fixture.ts'

test('a task that is killed leaves both of its tables or none, and each row goes to both once', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'firn-kill-task-'))
  const script = fileURLToPath(new URL('mortal-task.ts', import.meta.url))
  t.after(() => rm(dir, { recursive: true, force: true }))
  let interrupted = 0
  for (let round = 0; round < 4; round += 1) {
    const child = spawn(process.execPath, [script, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
    const exit = new Promise((resolve) => child.once('exit', resolve))
    let started = 0
    for await (const line of createInterface({ input: child.stdout })) {
      started += line === 'started' ? 1 : 0
      // Into the run, a little later each time.
      if (started === 2) setTimeout(() => child.kill('SIGKILL'), 5 + 20 * round)
    }
    await exit
    const { engine, session } = await openFolder(dir)
    const ask = async (sql: string) => (await session.execute(sql, {}, '')).rows
    const count = async (sql: string) => Number((await ask(sql))[0]?.[0])
    const [landed, taken, counted, waiting] = [
      await count('SELECT COUNT(*) FROM landing'),
      await count('SELECT COUNT(*) FROM target'),
      await count('SELECT COUNT(*) FROM counted'),
      await count('SELECT COUNT(*) FROM s'),
    ]
    assert.equal(taken, counted)
    assert.equal(taken + waiting, landed)
    const history = `FROM TABLE(INFORMATION_SCHEMA.TASK_HISTORY(TASK_NAME => 'K', RESULT_LIMIT => 10000))`
    assert.equal(await count(`SELECT COUNT(*) ${history} WHERE state = 'EXECUTING'`), 0)
    interrupted = await count(`SELECT COUNT(*) ${history} WHERE state = 'FAILED' AND error_code = '000604'`)
    await ask('EXECUTE TASK k')
    await engine.tasksSettled()
    assert.deepEqual(await ask('SELECT id FROM landing EXCEPT SELECT id FROM target'), [])
    assert.equal(await count('SELECT COUNT(*) FROM target'), landed)
    assert.equal(await count('SELECT COUNT(*) FROM (SELECT DISTINCT id FROM counted)'), landed)
    await session.close()
    await engine.close()
  }
  assert.ok(interrupted > 0, 'at least one kill fell into a run')
})
