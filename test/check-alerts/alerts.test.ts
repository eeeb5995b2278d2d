/**
 * What must hold of alerts and dashboard without a Prometheus: they name what there is, each alert says what to do and where,
 * and has cases in which it fires and in which it does not. The rest is `make check-alerts`.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { type FindingCode, findingTable } from '../../src/audit/finding.ts'
import { ingestCases } from './cases.ts'
import { dashboard } from './dashboard.ts'
import { unknownNames } from './known-names.ts'
import { alertsFile, labelsShownIn, namedIn, readRules, shortened } from './rules.ts'
import { unitTests } from './unit-tests.ts'
import { deepOnly, toldByLag, warehouseCases } from './warehouse-cases.ts'

const rules = await readRules()
const cases = { ...ingestCases, ...warehouseCases }
const dashboardFile = new URL('../../deploy/chart/files/dashboard.json', import.meta.url)
const runbook = await readFile(new URL('../../deploy/RUNBOOK.md', import.meta.url), 'utf8')

test('each rule names metrics and labels that telemetry.ts has', () => {
  const problems = rules.flatMap(({ alert, expr, annotations }) =>
    unknownNames(alert, namedIn(expr), Object.values(annotations).flatMap(labelsShownIn)),
  )
  assert.deepEqual(problems, [])
})

test('each alert has a severity, a summary, a description that says what to do, and its section of the runbook', () => {
  assert.ok(rules.length >= 10)
  for (const { alert, labels, annotations } of rules) {
    assert.match(alert, /^Firn[A-Z][A-Za-z]+$/)
    assert.match(labels['severity'] ?? '', /^(critical|warning)$/, alert)
    assert.match(annotations['summary'] ?? '', /^\S.{10,}[^.]$/, alert)
    assert.match(annotations['description'] ?? '', /^\S.{80,}\.$/, alert)
    assert.equal(annotations['runbook_url'], `deploy/RUNBOOK.md#${alert.toLowerCase()}`)
    assert.match(runbook, new RegExp(`^### ${alert}$`, 'm'))
  }
  assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
})

test('each alert has a case in which it fires and one in which it does not', () => {
  assert.deepEqual(Object.keys(cases).toSorted(), rules.map(({ alert }) => alert).toSorted())
  for (const [alert, own] of Object.entries(cases)) {
    assert.ok(own.some(({ fires }) => fires !== null) && own.some(({ fires }) => fires === null), alert)
  }
  assert.match(unitTests(cases, rules, 'alerts.yaml'), /^rule_files:\n {2}- alerts\.yaml\n/)
})

test('each finding of a running service is told by one alert', () => {
  const told = (Object.keys(findingTable) as FindingCode[]).filter((code) => !deepOnly.includes(code))
  const matchers = rules.flatMap(({ alert, expr }) => {
    const [, pattern] = /firn_audit_findings\{code=~?"([^"]+)"\}/.exec(expr) ?? []
    return pattern === undefined ? [] : [{ alert, pattern: new RegExp(`^(?:${pattern})$`) }]
  })
  for (const code of told) {
    const alerts = matchers.filter(({ pattern }) => pattern.test(code)).map(({ alert }) => alert)
    assert.deepEqual(alerts.length + (toldByLag[code] === undefined ? 0 : 1), 1, `${code}: ${alerts.join()}`)
  }
})

test('the dashboard that is shipped is the one of dashboard.ts', async () => {
  if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(dashboardFile, JSON.stringify(dashboard(), null, 2))
  const shipped: unknown = JSON.parse(await readFile(dashboardFile, 'utf8'))
  assert.deepEqual(shipped, dashboard(), 'dashboard.json differs: run this test with UPDATE_GOLDEN=1, then make format')
})

type Panel = {
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[]
}

test('each panel names metrics and labels that telemetry.ts has, and no panel is empty', async () => {
  const { panels } = JSON.parse(await readFile(dashboardFile, 'utf8')) as { readonly panels: readonly Panel[] }
  const queries = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })))
  assert.ok(queries.length > 30)
  for (const { title, expr, legendFormat = '' } of queries) {
    assert.notEqual(namedIn(expr).metrics.size, 0, title)
    assert.deepEqual(unknownNames(title, namedIn(expr), labelsShownIn(legendFormat)), [])
  }
})

test('a metric or a label that is not there is found, also part of a histogram', () => {
  const problemsOf = (expr: string, text = '') => unknownNames('x', namedIn(expr), labelsShownIn(text))
  assert.deepEqual(problemsOf('sum by (topic) (firn_halted{code="NO_LABEL{a=b}"}) > 0', '{{ $labels.topic }}'), [])
  assert.deepEqual(problemsOf('firn_halts > 0'), ['x: telemetry.ts has no metric firn_halts'])
  assert.deepEqual(problemsOf('sum by (topic, le) (firn_put_seconds_bucket)'), [])
  assert.equal(problemsOf('firn_put_seconds').length, 1)
  assert.equal(problemsOf('firn_halted_bucket').length, 1)
  assert.equal(problemsOf('max by (table) (firn_halted)').length, 1)
  assert.equal(problemsOf('firn_put_seconds_count{partition="1"}').length, 1)
  assert.equal(problemsOf('firn_halted', '{{table}}').length, 1)
  assert.equal(problemsOf('max on (le) (firn_halted)').length, 1)
})

test('shortened rules differ in their times alone', async () => {
  const short = shortened(rules)
  assert.match(short, /offset 10s/)
  assert.match(short, /firn_loaded_lag_seconds\) > 15\n/)
  assert.match(short, /firn_staged_lag_seconds\) > 10\n/)
  assert.doesNotMatch(short, /\b(?:for: |offset |\[)\d+[mh]/)
  const names = (text: string) => [...text.matchAll(/\bfirn_\w+/g)].length
  assert.ok(names(short) >= names((await readFile(alertsFile, 'utf8')).replaceAll(/^ *#.*$/gm, '')))
})
