/**
 * A backfill beside a running ingester, from the log and from the stage, killed and gone on with: in every order the target
 * table is what the source holds.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AuditGround, openAuditGround } from '../audit/audit-ground.ts'
import { endGround } from '../ingest/run-ground.ts'
import { type Running, startFirn } from '../support/firn.ts'
import { until } from '../support/until.ts'
import { allMerged, equalsSource, openSender, operate, operator, type RunTold, type Sender } from './backfill-ground.ts'

/** Of each run; after that it may come to its end. */
const killsMax = 4

/** Messages that are there before a run begins. */
const sentBefore = 12_000

let ground: AuditGround
let sender: Sender
let ingester: Running
let load: Promise<void>
const quiet = new AbortController()

before(async () => {
  ground = await openAuditGround(
    {},
    { schedule: '10 SECONDS', partitions: 4, ingest: { fileRows: 500, freshness: '3s' } },
  )
  sender = openSender(ground, 11)
  await sender.send(sentBefore)
  ingester = startFirn(['run', '--config', ground.file])
  load = (async () => {
    while (!quiet.signal.aborted) {
      await sender.send(100)
      await sleep(300)
    }
  })()
  // The first merge: from here on there is something to set back.
  await until(
    'rows',
    () => ground.one(`SELECT COUNT(*) FROM ${ground.names.target}`),
    (count) => Number(count) > 0,
  )
})

after(async () => {
  quiet.abort()
  await load
  ingester.process.kill('SIGKILL')
  await ingester.finished
  await ground.down()
  await endGround()
})

/** At a random moment once it has stored something, so that each is killed at least once in the middle. */
async function killOnceBegun(run: Running, name: string, killed: number, ended: AbortSignal): Promise<void> {
  if (killed === killsMax) return
  const hasStored = async () => (await ground.files()).some((file) => file.includes(`/run-${name}`))
  await until('its first file', async () => ended.aborted || (await hasStored()), Boolean)
  await sleep(200 + 2_500 * Math.random(), undefined, { signal: ended }).catch(() => undefined)
  if (!ended.aborted) run.process.kill('SIGKILL')
}

test('of the whole log, of a slice and of the stage, killed at random, all at once', async () => {
  const runs = [
    ['--from', 'log', '--name', 'whole', '--rate', '1500'],
    ['--from', 'log', '--name', 'slice', '--partition', '1', '--offsets', '500-1999', '--rate', '250'],
    ['--from', 'stage', '--name', 'copies', '--parallel', '1'],
  ]
  const kills = await Promise.all(
    runs.map(async ([, , , name = '', ...more], index) => {
      const args = ['backfill', ...(runs[index] ?? []), '--no-wait', '--yes', '--config', ground.file]
      assert.ok(more.length > 0)
      let killed = 0
      for (;;) {
        const run = startFirn(args, operator)
        const patience = new AbortController()
        const kill = killOnceBegun(run, name, killed, patience.signal)
        const { code, stderr } = await run.finished
        patience.abort()
        await kill
        if (code !== null) {
          assert.equal(code, 0, `${name}: ${stderr}`)
          return killed
        }
        killed += 1
      }
    }),
  )
  assert.ok(
    kills.some((count) => count > 0),
    'nothing was killed',
  )
  quiet.abort()
  await load
  await allMerged(ground)
  await until(
    'the ingester at the end',
    async () =>
      JSON.parse((await operate(ground, 'status', '--json')).stdout) as {
        watermarks: { staged: string; end: string }[]
      },
    ({ watermarks }) => watermarks.every(({ staged, end }) => staged === end),
  )
  await allMerged(ground)
  await equalsSource(ground, sender.source)
  const stored = new Map<string, RunTold['stored']>()
  for (const [, , , name = ''] of runs) {
    const { code, stdout, stderr } = await operate(ground, 'backfill', 'status', name, '--json')
    assert.equal(code, 0, stdout + stderr)
    const { state, settled, findings, ...told } = JSON.parse(stdout) as RunTold
    assert.deepEqual({ state, settled, findings }, { state: 'finished', settled: true, findings: [] })
    stored.set(name, told.stored)
  }
  assert.ok((stored.get('whole')?.messages ?? 0) >= sentBefore)
  assert.equal(stored.get('slice')?.messages, 1_500)
  assert.ok((stored.get('copies')?.files ?? 0) > 0)
})
