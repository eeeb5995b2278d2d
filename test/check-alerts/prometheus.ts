/**
 * Prometheus and promtool: where they are, how they are started and asked. What is asked and what must come of it is not
 * decided here.
 */
import { execFile } from 'node:child_process'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { choosePorts } from '../../src/local/ports.ts'
import { type Child, logTail, start } from '../lab/child.ts'
import { until } from '../support/until.ts'

const bin = fileURLToPath(new URL('../../.firn/parts/prometheus/bin/', import.meta.url))
const run = promisify(execFile)

/** What promtool says, and whether it is content. */
export async function promtool(args: readonly string[]): Promise<{ readonly ok: boolean; readonly said: string }> {
  try {
    const { stdout, stderr } = await run(join(bin, 'promtool'), args, { timeout: 120_000 })
    return { ok: true, said: `${stdout}${stderr}`.trim() }
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string }
    // Any other code is no verdict: it did not start, or was ended.
    if (code !== 1 && code !== 3) throw error
    return { ok: false, said: `${stdout}${stderr}`.trim() }
  }
}

export type Sample = { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] }

export type Alert = { readonly labels: Readonly<Record<string, string>>; readonly state: string }

export type Prometheus = {
  /** Scrapes these from now on, and no others: `host:port`. */
  scrape(targets: readonly string[]): Promise<void>
  /** The instant vector. @throws Error where Prometheus refuses the query */
  query(expr: string): Promise<readonly Sample[]>
  /** Names of the metrics that targets have told, also of those without a sample. */
  told(): Promise<readonly string[]>
  /** Those that fire. */
  firing(): Promise<readonly Alert[]>
  /** A line of each rule that cannot be evaluated. */
  sickRules(): Promise<readonly string[]>
  down(): Promise<void>
}

/** Scrapes and evaluates each second. `dir` is the caller's to remove; `rules` are a file's text. */
export async function startPrometheus(dir: string, rules: string): Promise<Prometheus> {
  await mkdir(dir, { recursive: true })
  const [port = 0] = await choosePorts(1)
  const targetsFile = join(dir, 'targets.json')
  const scrape = async (targets: readonly string[]): Promise<void> => {
    // At once: half a file would be an error to whoever reads it.
    await writeFile(`${targetsFile}.new`, JSON.stringify([{ targets, labels: { namespace: 'cdc' } }]))
    await rename(`${targetsFile}.new`, targetsFile)
  }
  await scrape([])
  await writeFile(join(dir, 'rules.yaml'), rules)
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: ['rules.yaml'],
    scrape_configs: [{ job_name: 'firn', file_sd_configs: [{ files: ['targets.json'], refresh_interval: '1s' }] }],
  }
  await writeFile(join(dir, 'prometheus.yaml'), JSON.stringify(config))
  const log = join(dir, 'prometheus.log')
  const child = await start(
    join(bin, 'prometheus'),
    [
      `--config.file=${join(dir, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    log,
  )
  const url = `http://127.0.0.1:${port}`
  await untilReady(child, url, log)
  return { scrape, ...asked(url), down: () => end(child) }
}

async function untilReady(child: Child, url: string, log: string): Promise<void> {
  const isReady = () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    )
  const seen = await until('Prometheus', async () => (await isReady()) || (child.running() ? '' : 'ended'), Boolean)
  if (seen === 'ended') throw new Error(`Prometheus ended:\n${logTail(log)}\n${await readFile(log, 'utf8')}`)
}

async function end(child: Child): Promise<void> {
  child.signal('SIGTERM')
  await child.ended
}

type RuleStates = {
  readonly groups: readonly {
    readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]
  }[]
}

function asked(url: string): Pick<Prometheus, 'query' | 'told' | 'firing' | 'sickRules'> {
  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${url}/api/v1/${path}`)
    const { status, data, error } = (await answer.json()) as { status: string; data: T; error?: string }
    if (status !== 'success') throw new Error(`${path}: ${error ?? status}`)
    return data
  }
  return {
    query: async (expr) => {
      const { result } = await ask<{ result: readonly Sample[] }>(`query?query=${encodeURIComponent(expr)}`)
      return result
    },
    told: async () => Object.keys(await ask<Readonly<Record<string, unknown>>>('metadata')),
    firing: async () => {
      const { alerts } = await ask<{ alerts: readonly Alert[] }>('alerts')
      return alerts.filter(({ state }) => state === 'firing')
    },
    sickRules: async () => {
      const { groups } = await ask<RuleStates>('rules')
      return groups.flatMap(({ rules }) =>
        rules.flatMap(({ name, health, lastError = '' }) => (health === 'err' ? [`${name}: ${lastError}`] : [])),
      )
    },
  }
}
