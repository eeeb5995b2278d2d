/**
 * `firn run` as a process of its own, and how it ends: asked once, asked twice, and where the store cannot be trusted.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { configSchema } from '../../src/config.ts'
import { type Running, startFirn } from '../support/firn.ts'
import { until } from '../support/until.ts'
import {
  committed,
  createTopic,
  endGround,
  folder,
  idsFrom,
  landedRows,
  sendIds,
  settings,
  stack,
  stageAll,
  untilCommitted,
} from './run-ground.ts'
import { doorTo } from './stage-door.ts'

after(endGround)

async function startProcess(name: string, given: ReturnType<typeof settings>): Promise<Running> {
  const file = join(folder, `${name}.yaml`)
  await writeFile(file, JSON.stringify(given))
  return startFirn(['run', '--config', file])
}

test('asked to stop while the store is away it goes on flushing; asked again it leaves at once, and nothing is lost', async () => {
  const topic = await createTopic(1)
  const door = await doorTo(stack.s3.endpoint)
  const given = settings({ topics: [topic], ingest: { leaveTimeout: '590s' } })
  const { process, finished, log } = await startProcess('twice', {
    ...given,
    stage: { ...given.stage, endpoint: door.endpoint },
  })
  await sendIds(topic, idsFrom(0, 100))
  await untilCommitted(configSchema.parse(given), topic)
  await door.shut()
  await sendIds(topic, idsFrom(100, 200))
  await until('the trouble told', log, (text) => text.includes('"code":"STAGE_UNREACHABLE"'))
  process.kill('SIGTERM')
  await until('that it is leaving', log, (text) => text.includes('"msg":"told to stop'))
  assert.equal(process.exitCode, null)
  process.kill('SIGTERM')
  assert.equal((await finished).code, 1)

  const config = configSchema.parse(given)
  assert.equal((await committed(config, topic))[0]?.offset, '100')
  await stageAll(config)
  assert.deepEqual(
    (await landedRows(config, topic)).map(({ id }) => Number(id)),
    idsFrom(0, 200),
  )
})

test('a store that replaces objects in spite of If-None-Match: refused, before anything is read', async () => {
  const topic = await createTopic(1)
  await sendIds(topic, idsFrom(0, 10))
  const asked: string[] = []
  const careless = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers['if-none-match']}`)
    request.resume().on('end', () => response.writeHead(200, { etag: '"0"' }).end())
  })
  careless.listen(0, '127.0.0.1')
  await once(careless, 'listening')
  try {
    const endpoint = `http://127.0.0.1:${(careless.address() as AddressInfo).port}`
    const given = settings({ topics: [topic], stage: { endpoint } })
    const { code, stderr } = await (await startProcess('careless', given)).finished
    assert.equal(code, 1)
    assert.match(
      stderr,
      /^firn: STAGE_UNSAFE: s3:.*_firn\/!probe was replaced in spite of If-None-Match\n {2}The object/m,
    )
    assert.equal(asked.length, 2)
    for (const one of asked) assert.match(one, /^PUT \/.*_firn\/%21probe\S* \*$/)
    assert.equal((await committed(configSchema.parse(given), topic))[0]?.offset, '-1')
  } finally {
    careless.close()
  }
})
