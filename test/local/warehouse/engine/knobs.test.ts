/** The knobs: what each makes a warehouse do that Snowpipe may do too, and that they can be turned while it runs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Failure } from '../../../../src/failure.ts'
import { openFixture } from './engine-fixture.ts'
import { announce, arrive, good, history, idle, ids, status, withPipe } from './pipe-fixture.ts'

test('in whatever order files are loaded, all of them are', async (t) => {
  const f = await withPipe(t, { shuffle: true })
  await f.run('ALTER PIPE orders_pipe SET PIPE_EXECUTION_PAUSED = TRUE')
  const body = await good(1)
  const keys = Array.from({ length: 12 }, (_, index) => `firn/orders/${String(index).padStart(2, '0')}.parquet`)
  for (const key of keys) await arrive(f, key, body)
  await f.run('ALTER PIPE orders_pipe SET PIPE_EXECUTION_PAUSED = FALSE')
  await idle(f)
  assert.deepEqual(
    (await f.rows('SELECT file FROM orders ORDER BY file')).map(([file]) => file),
    keys,
  )
})

test('a file waits for as long as delayMs says', async (t) => {
  const f = await withPipe(t, { delayMs: 60_000 })
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  assert.equal((await status(f)).pendingFileCount, 1)
  assert.deepEqual(await ids(f), [])
  f.engine.turn({ delayMs: 0 })
  await idle(f)
  assert.deepEqual(await ids(f), [1])
})

test('a notification that is taken twice loads once', async (t) => {
  const f = await withPipe(t)
  f.engine.turn({ duplicate: true })
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  await idle(f)
  assert.deepEqual(await ids(f), [1])
})

test('a notification that is lost is lost for good; a REFRESH finds the file', async (t) => {
  const f = await withPipe(t, { lose: '/a\\.parquet$' })
  for (const [name, id] of [
    ['a', 1],
    ['b', 2],
  ] as const)
    await arrive(f, `firn/orders/${name}.parquet`, await good(id))
  await idle(f)
  f.engine.turn({ lose: null })
  await f.restart()
  await arrive(f, 'firn/orders/c.parquet', await good(3))
  await idle(f)
  assert.deepEqual(await ids(f), [2, 3])
  await f.run('ALTER PIPE orders_pipe REFRESH')
  await idle(f)
  assert.deepEqual(await ids(f), [1, 2, 3])
})

test('a load that is to fail does so once and for all, and is recorded', async (t) => {
  const f = await withPipe(t)
  f.engine.turn({ fail: 'a' })
  f.engine.turn({ fail: 'orders/a', shuffle: true })
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  await arrive(f, 'firn/orders/b.parquet', await good(2))
  await idle(f)
  f.engine.turn({ fail: null })
  await announce(f, 'firn/orders/a.parquet')
  await f.run('ALTER PIPE orders_pipe REFRESH')
  await idle(f)
  assert.deepEqual(await ids(f), [2])
  assert.deepEqual(
    (await history(f)).map(([file, state, count, error]) => [file, state, count, error === null]),
    [
      ['orders/a.parquet', 'Load failed', '0', false],
      ['orders/b.parquet', 'Loaded', '1', true],
    ],
  )
})

test('each file is loaded once more, also where the warehouse stops in between', async (t) => {
  const f = await withPipe(t, { reload: true })
  await arrive(f, 'firn/orders/a.parquet', await good(1))
  await f.restart()
  await idle(f)
  assert.deepEqual(await ids(f), [1, 1])
  assert.equal((await history(f)).length, 2)
  f.engine.turn({ reload: false })
  await arrive(f, 'firn/orders/b.parquet', await good(2))
  await idle(f)
  assert.deepEqual(await ids(f), [1, 1, 2])
})

test('a knob that there is not, or that cannot be turned so, is refused', async (t) => {
  const f = await openFixture(t)
  const wrong: readonly object[] = [{ speed: 1 }, { lose: '(' }, { fail: 3 }, { delayMs: '5' }, { reload: null }]
  for (const knobs of wrong) {
    assert.throws(
      () => {
        f.engine.turn(knobs)
      },
      (error) => error instanceof Failure && error.code === 'USAGE',
      JSON.stringify(knobs),
    )
  }
})
