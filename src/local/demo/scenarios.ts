/**
 * The three scenarios of the demo: real-time sync, high volume, error and recovery.
 * Each ends when everything that was sent is merged; what the tables hold then is compared in demo.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../../snowflake/session.ts'
import type { Stack } from '../stack.ts'
import type { SourceTable } from '../workload.ts'
import { storedFiles } from './ingester.ts'
import { count, type Screen, seconds } from './screen.ts'
import type { Sender, Sent } from './sender.ts'
import { progressLine, watchUntilMerged, type Watermarks } from './watermarks.ts'

export type DemoTable = {
  readonly name: SourceTable
  readonly topic: string
  readonly target: string
  readonly landing: string
  readonly pipe: string
}

/** Everything that a scenario acts on. */
export type Scene = {
  readonly screen: Screen
  readonly stack: Stack
  readonly sender: Sender
  readonly tables: readonly DemoTable[]
  readonly logFile: string
  readonly watermarks: Watermarks
  readonly connect: () => Promise<Session>
  readonly reconnect: () => Promise<void>
  readonly killIngester: () => Promise<void>
  readonly restartIngester: () => Promise<void>
}

type Change = readonly [table: SourceTable, operation: 'INSERT' | 'UPDATE' | 'DELETE', id: number]

/** Rows beyond the ids that the other scenarios use. */
const rounds: readonly (readonly Change[])[] = [
  [
    ['customers', 'INSERT', 900_001],
    ['customers', 'INSERT', 900_002],
    ['orders', 'INSERT', 900_001],
  ],
  [
    ['customers', 'UPDATE', 900_001],
    ['customers', 'DELETE', 900_002],
    ['orders', 'UPDATE', 900_001],
  ],
]

/** A few changes, each shown arriving with the time that every step took. */
export async function realTimeSync(scene: Scene): Promise<void> {
  const { screen, sender } = scene
  screen.heading('Real-time sync: single changes, and where their time goes')
  screen.line('  change                       Kafka    batch   upload     pipe     task    total')
  for (const round of rounds) {
    const sent: (readonly [Change, Sent])[] = []
    for (const change of round) sent.push([change, await sender.change(...change)])
    for (const [[table, operation, id], message] of sent) {
      await showArrival(scene, table, `${operation} ${table} ${id}`, message)
    }
  }
  screen.line(
    '  Kafka: sent to answered; batch: waiting for company, at most ingest.freshness; upload: encoded and stored;',
  )
  screen.line('  pipe: notified and loaded; task: waiting for warehouse.schedule')
}

async function showArrival(scene: Scene, name: SourceTable, label: string, sent: Sent): Promise<void> {
  const { screen } = scene
  const table = scene.tables.find((candidate) => candidate.name === name)
  if (!table) throw new RangeError(`the demo has no table ${name}`)
  const session = await scene.connect()
  const sql = `SELECT l.load_time, m.merged_at, l.file_name
    FROM ${table.landing} l JOIN CDC.FIRN.MERGED_FILES m ON m.file_name = l.file_name
    WHERE l.kafka_partition = ${sent.partition} AND l.kafka_offset = ${sent.offset.toString()}`
  for (;;) {
    const [row] = await session.query(sql)
    if (row) {
      const file = (await storedFiles(scene.logFile)).find(({ key }) => key === row['FILE_NAME'])
      const stops = [
        sent.sentAt,
        sent.answeredAt,
        file?.sealedAt,
        file?.storedAt,
        msOf(row['LOAD_TIME']),
        msOf(row['MERGED_AT']),
      ]
      screen.live(`  ${label.padEnd(25)}${latencies(stops)}`)
      screen.settle()
      return
    }
    if (screen.terminal) screen.live(`  ${label.padEnd(25)}${seconds(Date.now() - sent.sentAt).padStart(9)} on its way`)
    await sleep(200)
  }
}

const msOf = (value: unknown): number => new Date(value as Date | string).getTime()

/** One column per step, then the whole. */
function latencies(stops: readonly (number | undefined)[]): string {
  const steps = stops.slice(1).map((stop, index) => {
    const before = stops[index]
    return stop === undefined || before === undefined ? '?' : seconds(Math.max(0, stop - before))
  })
  const total = seconds((stops.at(-1) ?? 0) - (stops[0] ?? 0))
  return [...steps, total].map((step) => step.padStart(9)).join('')
}

/** Many changes as fast as they go. */
export async function highVolume(scene: Scene, changes: number): Promise<void> {
  const { screen, sender } = scene
  screen.heading(`High volume: ${count(changes)} changes over both tables`)
  const startedAt = Date.now()
  await sender.flood(changes, (sent) => {
    screen.live(`  sent ${count(sent)}`)
  })
  screen.settle()
  const sentMs = Date.now() - startedAt
  screen.line(`  in ${seconds(sentMs)}, ${count(Math.round((changes / sentMs) * 1000))} a second`)
  await untilMerged(scene)
  const ms = Date.now() - startedAt
  screen.line(
    `  all merged after ${seconds(ms)}: ${count(Math.round((changes / ms) * 1000))} changes a second from source to final table`,
  )
}

/** Each part dies once while changes flow. */
export async function errorAndRecovery(scene: Scene): Promise<void> {
  const { screen, sender, stack } = scene
  screen.heading('Error and recovery: each part dies once while changes flow')
  const stopSending = sender.trickle(500)
  try {
    await watchFor(scene, 3_000)
    await screenStep(
      scene,
      'kill -9 of the ingester',
      scene.killIngester,
      'restarted; the dead process kept its partitions for ingest.sessionTimeout, 6 s here',
      scene.restartIngester,
    )
    await screenStep(
      scene,
      'the S3 server stops',
      () => stack.stop('s3'),
      'started',
      () => stack.start('s3'),
    )
    await screenStep(
      scene,
      'the warehouse stops',
      async () => {
        await stack.stop('warehouse')
        await scene.reconnect()
      },
      'started',
      () => stack.start('warehouse'),
    )
  } finally {
    await stopSending()
  }
  screen.line('  no more changes; what was held up arrives')
  await untilMerged(scene)
}

async function screenStep(
  scene: Scene,
  fault: string,
  cause: () => Promise<unknown>,
  cure: string,
  mend: () => Promise<unknown>,
): Promise<void> {
  await cause()
  scene.screen.line(`  ${fault}`)
  await watchFor(scene, 4_000)
  await mend()
  scene.screen.line(`  ${cure}`)
  await watchFor(scene, 4_000)
}

async function watchFor(scene: Scene, ms: number): Promise<void> {
  const end = Date.now() + ms
  while (Date.now() < end) {
    scene.screen.live(progressLine(await scene.watermarks.look(), scene.sender.sent()))
    await sleep(500)
  }
  scene.screen.settle()
}

async function untilMerged(scene: Scene): Promise<void> {
  const { screen, sender, watermarks, tables } = scene
  await watchUntilMerged(
    screen,
    watermarks,
    () => sender.sent(),
    async () => {
      screen.line('  staged, but not loaded for a while: a notification was lost. As a user would:')
      for (const { pipe } of tables) {
        screen.line(`    ALTER PIPE ${pipe} REFRESH`)
        await (await scene.connect()).query(`ALTER PIPE ${pipe} REFRESH`)
      }
    },
  )
}
