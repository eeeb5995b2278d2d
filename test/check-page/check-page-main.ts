/**
 * `make check-page`: the status page of a real `firn run` in a real browser. Whether it updates itself and leaves the reader where he
 * is, can be read in both colour schemes and on the narrowest screen, can be used by keyboard, and asks nobody but its own
 * process. Pictures of it are in build/page. Ends with 1 at the first thing that is not as it must be.
 */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startWarehouseGround } from '../check-alerts/warehouse-ground.ts'
import { kafkaClient, Partitioners, type ProducedMessage } from '../../src/kafka/client.ts'
import { createLogger } from '../../src/telemetry.ts'
import { heedInterruption } from '../support/interruption.ts'
import { until } from '../support/until.ts'
import { narrow, openPage, type Page, startBrowser, type Watched, wide } from './browser.ts'
import { judgeContrast, judgeWidth, walkByTab } from './looks.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const pictures = fileURLToPath(new URL('../../build/page/', import.meta.url))
/** More than are shown without a click. */
const partitions = 30

heedInterruption()
const work = await mkdtemp(join(tmpdir(), 'firn-check-page-'))
process.on('exit', () => {
  rmSync(work, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
})
await mkdir(pictures, { recursive: true })

const rowsOf = (from: number, rows: number): ProducedMessage[] =>
  Array.from({ length: rows }, (_, at) => ({
    key: String(from + at),
    value: JSON.stringify({ operation: 'INSERT', before: null, after: { id: from + at } }),
  }))

const titled = (page: Page, title: string) =>
  until(
    `the title ${title}`,
    () => page.title(),
    (is) => is.includes(title),
  )

/** In both schemes and on both screens. */
async function judgeLooks(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    for (const [of, view] of Object.entries({ wide, narrow })) {
      await page.setViewportSize(view)
      const { least, texts } = await judgeContrast(page)
      await judgeWidth(page)
      await page.screenshot({ path: join(pictures, `${name}-${colorScheme}-${of}.png`), fullPage: true })
      say(
        `${name.padEnd(10)} ${colorScheme}, ${view.width} px: contrast of ${texts} texts at least ${least.toFixed(2)}`,
      )
    }
  }
  await page.emulateMedia({ colorScheme: 'light' })
  await page.setViewportSize(wide)
}

/** New rows appear in the very page that was loaded, and the reader stays where he is. */
async function judgeUpdate({ page }: Watched, send: () => Promise<void>): Promise<void> {
  const newest = (): Promise<string> => page.locator('#files tbody tr').first().innerText()
  const before = await newest()
  const summary = page.locator('#topic-0-rest > summary')
  await summary.focus()
  await page.keyboard.press('Enter')
  assert.equal(await page.locator('#topic-0-rest').getAttribute('open'), '', 'Enter opens the details')
  await page.evaluate(`window.marked = document.activeElement; marked.scrollIntoView({ block: 'center' })`)
  const place: unknown = await page.evaluate('scrollY')
  await send()
  await until('the new file on the page', newest, (row) => row !== before)
  assert.equal(await page.evaluate('document.activeElement === window.marked'), true, 'the focus stays')
  assert.equal(await page.locator('#topic-0-rest').getAttribute('open'), '', 'the details stay open')
  assert.equal(await page.evaluate('scrollY'), place, 'it does not scroll')
  await page.keyboard.press('Enter')
  assert.equal(await page.locator('#topic-0-rest').getAttribute('open'), null, 'and Enter closes them')
  say('update     a new file appears without a reload; focus, open details and place stay')
}

/** What is measured must be able to fail. */
async function judgeDamages({ page, complaints }: Watched): Promise<void> {
  const damage = async (what: string, judge: () => Promise<unknown>): Promise<void> => {
    await page.evaluate(what)
    await assert.rejects(judge(), Error, what)
    await page.reload()
  }
  await damage(`document.querySelector('#verdict').style.color = '#8a8a8a'`, () => judgeContrast(page))
  await damage(`document.querySelector('dl').style.width = '5000px'`, () => judgeWidth(page))
  await damage(`document.querySelector('summary').tabIndex = -1`, () => walkByTab(page))
  await damage(`document.querySelector('nav a').style.outline = 'none'`, () => walkByTab(page))
  await page.evaluate(`document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.2:9/x.png' }))`)
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('script'), { text: 'window.broken = 1' }))`,
  )
  await until('the refusals', complaints, (all) => ['img-src', 'script-src'].every((of) => all.join().includes(of)))
  assert.equal(await page.evaluate('window.broken'), undefined)
  say(
    'damaged    a faint text, a wide part, a lost stop, a hidden focus, a foreign image, a foreign script: each is seen',
  )
}

async function check(): Promise<void> {
  const [ground, browser] = await Promise.all([startWarehouseGround(work), startBrowser()])
  try {
    const service = await ground.service('orders', partitions, { freshness: '1s' })
    const silent = createLogger({ level: 'silent' })
    const kafka = kafkaClient({ brokers: [...ground.brokers], group: 'x', clientId: 'page', ssl: false }, silent)
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    const send = async (messages: ProducedMessage[]): Promise<void> => {
      await producer.send({ topic: service.topic, messages })
    }
    const url = `http://${service.target}/`
    await send([...rowsOf(0, 500), { key: 'bad', value: 'no JSON' }])
    const watched = await openPage(browser, url)
    const { page } = watched
    await until(
      'all of it merged',
      () => page.locator('#topic-0').innerText(),
      (text) => /Merged\s+501\s+0/.test(text),
    )
    await titled(page, 'ready')
    await judgeLooks(page, 'well')
    await judgeUpdate(watched, () => send(rowsOf(500, 50)))
    const walked = await walkByTab(page)
    say(`keyboard   Tab leads through ${walked.length} stops in the order of the page, and each is seen`)

    await send([{ key: null, partition: 7, value: '{"operation":"INSERT","before":null,"after":{"id":1}}' }])
    await titled(page, '1 halted')
    assert.match(await page.locator('#verdict').innerText(), /^1 partition is halted and waits for an operator/)
    assert.match(await page.locator('#halts').innerText(), /orders\/7 is halted: UNORDERED[^]*section UNORDERED/)
    assert.match(
      await page.locator('#topic-0-first').locator('..').locator('tbody tr').first().innerText(),
      /^7\s+halted/,
    )
    await page.locator('#topic-0-rest > summary').click()
    await judgeLooks(page, 'halted')
    say('halt       title, sentence, hint and the first row tell it, without a reload')

    const without = await openPage(browser, url, false)
    const asked = () => without.requests().filter((one) => one === url).length
    await until('a refresh without scripts', asked, (times) => times >= 3)
    await without.close()
    assert.deepEqual(without.complaints(), [])
    say('no script  it refreshes itself all the same')

    assert.deepEqual(watched.complaints(), [])
    const foreign = watched.requests().filter((one) => !one.startsWith(url) && !one.startsWith('data:'))
    assert.deepEqual(foreign, [])
    say(
      `quiet      ${watched.requests().length} requests, all to the process itself; nothing in the console, nothing refused`,
    )
    await judgeDamages(watched)

    await service.stop()
    await titled(page, 'no answer')
    await judgeLooks(page, 'away')
    say('away       a process that has ended is told, and since when')
    await producer.disconnect()
  } finally {
    await Promise.all([ground.down(), browser.close()])
  }
}

let code = 0
try {
  await check()
  say(`pictures   ${pictures}`)
} catch (error) {
  say(`FAILED     ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  code = 1
}
process.exit(code)
