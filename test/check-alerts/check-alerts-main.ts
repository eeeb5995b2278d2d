/**
 * `make check-alerts`: whether Prometheus takes the alert rules, whether their unit tests hold and can fail, and whether a real
 * Prometheus that scrapes a real `firn run` finds what they and the dashboard name, and fires where a fault was really caused.
 * Ends with 1 at the first thing that is not as it must be. `rules` as argument: without the last part, in a minute.
 */
import { rmSync } from 'node:fs'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { heedInterruption } from '../support/interruption.ts'
import { ingestCases } from './cases.ts'
import { damagesOf } from './damages.ts'
import { playIngest } from './ingest-scene.ts'
import { metricOf } from './known-names.ts'
import { promtool } from './prometheus.ts'
import { alertsFile, namedIn, readRules, type Rule, shortened } from './rules.ts'
import { nothingSeen, type Seen } from './scene.ts'
import { unitTests } from './unit-tests.ts'
import { warehouseCases } from './warehouse-cases.ts'
import { playWarehouse } from './warehouse-scene.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)

heedInterruption()
const work = await mkdtemp(join(tmpdir(), 'firn-check-alerts-'))
process.on('exit', () => {
  rmSync(work, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
})

async function checkRules(): Promise<void> {
  const { ok, said } = await promtool(['check', 'rules', '--lint=all', '--lint-fatal', alertsFile])
  if (!ok) throw new Error(said)
  say('rules      promtool takes them')
}

const cases = { ...ingestCases, ...warehouseCases }

/** What promtool says of the unit tests of these rules, when it is given `rules` instead. */
async function judge(rules: readonly Rule[], of: readonly Rule[]): ReturnType<typeof promtool> {
  const [rulesFile, testsFile] = [join(work, 'rules.yaml'), join(work, 'tests.yaml')]
  await writeFile(rulesFile, stringify({ groups: [{ name: 'firn', rules }] }, { lineWidth: 0 }))
  const own = Object.entries(cases).filter(([alert]) => of.some((rule) => rule.alert === alert))
  await writeFile(testsFile, unitTests(Object.fromEntries(own), of, rulesFile))
  return await promtool(['test', 'rules', testsFile])
}

async function checkUnits(rules: readonly Rule[]): Promise<void> {
  const { ok, said } = await judge(rules, rules)
  if (!ok) throw new Error(said)
  const count = Object.values(cases).flat().length
  say(`units      ${count} cases of ${rules.length} alerts: each fires where it must, with its text, and only there`)
  const unseen: string[] = []
  let damages = 0
  for (const rule of rules) {
    for (const { what, damaged } of damagesOf(rule)) {
      damages++
      if ((await judge([damaged], [rule])).ok) unseen.push(`${rule.alert}: ${what}`)
    }
  }
  if (unseen.length > 0) throw new Error(`no unit test sees rules that are wrong so:\n${unseen.join('\n')}`)
  say(`damaged    ${damages} rules that are wrong in one place: each is seen`)
}

type Panel = { readonly targets?: readonly { readonly expr: string }[] }

async function namesOfDashboard(): Promise<ReadonlySet<string>> {
  const file = new URL('../../deploy/chart/files/dashboard.json', import.meta.url)
  const { panels } = JSON.parse(await readFile(file, 'utf8')) as { readonly panels: readonly Panel[] }
  return new Set(panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => [...namedIn(expr).metrics])))
}

/** Counters of what need not happen in these scenes: they are told, and have no sample before it does. */
const rare = [
  'firn_batches_refused_total',
  'firn_commits_failed_total',
  'firn_files_adopted_total',
  'firn_files_taken_total',
  'firn_resumes_unverified_total',
]

async function checkNames(rules: readonly Rule[], { metrics, series }: Seen): Promise<void> {
  const ofRules = new Set(rules.flatMap(({ expr }) => [...namedIn(expr).metrics]))
  const named = new Set([...ofRules, ...(await namesOfDashboard())])
  const untold = [...named].filter((name) => !metrics.has(metricOf(name) ?? name))
  const empty = [...named].filter((name) => !series.has(name) && !rare.includes(name))
  if (untold.length > 0) throw new Error(`no process tells ${untold.join(', ')}`)
  if (empty.length > 0) throw new Error(`no sample was scraped of ${empty.join(', ')}`)
  say(`names      ${named.size} series that rules and dashboard name were scraped`)
}

let code = 0
try {
  const rules = await readRules()
  await checkRules()
  await checkUnits(rules)
  if (process.argv[2] !== 'rules') {
    const seen = nothingSeen()
    await playIngest(work, shortened(rules), seen, say)
    await playWarehouse(work, shortened(rules), seen, say)
    await checkNames(rules, seen)
  }
} catch (error) {
  say(`FAILED     ${error instanceof Error ? error.message : String(error)}`)
  code = 1
}
process.exit(code)
