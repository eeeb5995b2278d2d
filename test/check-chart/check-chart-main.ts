/**
 * `make check-chart`: whether Helm finds no fault with the chart, what it renders is what was reviewed, wrong values are
 * refused, a real API server takes every object of it, and kube-score finds nothing critical. Ends with 1 at the first thing that is
 * not as it must be.
 */
import { existsSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { matchesGolden } from '../support/golden.ts'
import { heedInterruption } from '../support/interruption.ts'
import { exampleValues } from './example.ts'
import { readAsFirn } from './firn-yaml.ts'
import { chartWithFiles, type Helm, helmOf, ownChart } from './helm.ts'
import { judgeAll } from './judgement.ts'
import { criticalFindings, exceptionOf, exceptions } from './kube-score.ts'
import { readManifests } from './manifests.ts'
import { pasted, refusals } from './refusals.ts'

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const valuesOf = (name: string): string => fileURLToPath(new URL(`values/${name}.yaml`, import.meta.url))

/** @throws Error with all of them */
function expectNone(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

heedInterruption()
const work = await mkdtemp(join(tmpdir(), 'firn-check-chart-'))
process.on('exit', () => {
  rmSync(work, { recursive: true, force: true })
})

type Case = { readonly name: string; readonly values: string }

/** The last one is what the chart's README tells to write. */
async function casesOf(): Promise<readonly Case[]> {
  const example = join(work, 'readme.yaml')
  await writeFile(example, await exampleValues())
  const named = ['default', 'minimal', 'everything'].map((name) => ({ name, values: valuesOf(name) }))
  return [...named, { name: 'readme', values: example }]
}

type Rendered = { readonly name: string; readonly text: string }

async function renderAll(helm: Helm, cases: readonly Case[]): Promise<readonly Rendered[]> {
  await helm.lint([])
  const rendered: Rendered[] = []
  for (const { name, values } of cases) {
    await helm.lint([values])
    const text = await helm.render([values])
    await matchesGolden(`chart/${name}.yaml`, text)
    rendered.push({ name, text })
  }
  say(
    `rendered   ${cases.map(({ name }) => name).join(', ')}: helm lint --strict finds no fault, and they are as reviewed`,
  )
  return rendered
}

/** Alerts and dashboard are rendered where the chart has them, and not where it has none. */
async function renderOwnFiles(): Promise<void> {
  const own = helmOf(ownChart, work)
  const manifests = readManifests(await own.render([valuesOf('everything')]))
  const rendered = {
    'alerts.yaml': manifests.some(({ kind }) => kind === 'PrometheusRule'),
    'dashboard.json': manifests.some(({ metadata }) => metadata.name.endsWith('-dashboard')),
  }
  for (const [file, isRendered] of Object.entries(rendered)) {
    const isThere = existsSync(join(ownChart, 'files', file))
    if (isRendered !== isThere)
      throw new Error(`files/${file} is ${isThere ? 'there, but not' : 'not there, but'} rendered`)
    say(`own files  ${file} is ${isThere ? 'rendered' : 'not there, and nothing is rendered of it'}`)
  }
  const nowhere = join(work, 'nowhere.yaml')
  await writeFile(nowhere, stringify({ prometheusRule: { runbookUrl: '' } }))
  const unlinked = await own.render([valuesOf('everything'), nowhere])
  if (unlinked.includes('runbook_url: ')) throw new Error('alerts link to a runbook, and nobody said where it is')
}

async function readAll(rendered: readonly Rendered[]): Promise<void> {
  const budgets: string[] = []
  for (const { name, text } of rendered) {
    const folder = join(work, 'read', name)
    await mkdir(folder, { recursive: true })
    const written = readManifests(text).map(
      ({ data }) => (data as { readonly 'firn.yaml'?: string } | undefined)?.['firn.yaml'],
    )
    const config = written.find((one) => one !== undefined)
    if (config === undefined) throw new Error(`${name} has no firn.yaml`)
    const { ingest } = await readAsFirn(config, folder)
    budgets.push(`${ingest.memory / 2 ** 20} MiB`)
  }
  say(`read       Firn takes the configuration of each, with memory budgets of ${budgets.join(', ')}`)
}

async function refuseAll(helm: Helm): Promise<void> {
  const folder = join(work, 'refused')
  await mkdir(folder)
  const problems: string[] = []
  for (const [index, { what, values, names }] of refusals.entries()) {
    const file = join(folder, `${String(index)}.yaml`)
    await writeFile(file, stringify(values))
    const said = await helm.render([valuesOf('default'), file]).then(
      () => null,
      (error: unknown) => String(error),
    )
    if (said === null) problems.push(`it renders with ${what}`)
    else if (said.includes(pasted)) problems.push(`with ${what}, it shows the secret`)
    else if (!names.test(said)) problems.push(`with ${what}, it does not say ${String(names)}: ${said}`)
  }
  expectNone(problems)
  say(`refused    ${refusals.length} wrong values, each by its name`)
}

async function scoreAll(rendered: readonly Rendered[]): Promise<void> {
  const needed = new Set<object>()
  const problems: string[] = []
  for (const { name, text } of rendered) {
    for (const finding of await criticalFindings(text)) {
      const exception = exceptionOf(name, finding)
      if (exception) needed.add(exception)
      else problems.push(`${name}: ${finding.object}: ${finding.check}: ${finding.text}`)
    }
  }
  expectNone([
    ...problems,
    ...exceptions.filter((one) => !needed.has(one)).map(({ check }) => `nothing needs the exception from ${check}`),
  ])
  say(`scored     kube-score finds nothing critical, but for ${exceptions.length} exceptions:`)
  for (const { check, why } of exceptions) say(`             ${check}: ${why}`)
}

let code = 0
try {
  const helm = helmOf(await chartWithFiles(work), work)
  const rendered = await renderAll(helm, await casesOf())
  await renderOwnFiles()
  await readAll(rendered)
  await refuseAll(helm)
  await scoreAll(rendered)
  const taken = await judgeAll(work, rendered)
  say(
    `taken      ${taken} objects and pods by a Kubernetes API server, in a namespace that enforces Pod Security "restricted"`,
  )
} catch (error) {
  say(`FAILED     ${error instanceof Error ? error.message : String(error)}`)
  code = 1
}
process.exit(code)
