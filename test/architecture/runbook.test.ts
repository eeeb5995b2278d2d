/**
 * The runbook says of everything that Firn can tell what it means and what to do: a section for each failure, each finding of
 * an audit and each alert, none of what is not there, and no link into the void.
 */
import assert from 'node:assert/strict'
import { access, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { findingTable } from '../../src/audit/finding.ts'
import { failures } from '../../src/failure.ts'
import { readRules } from '../check-alerts/rules.ts'

const file = new URL('../../deploy/RUNBOOK.md', import.meta.url)
const runbook = await readFile(file, 'utf8')
const codes: readonly string[] = [...Object.keys(failures), ...Object.keys(findingTable)]
/** Those on Kubernetes' own metrics are made by the chart. */
const ofChart = await readFile(new URL('../../deploy/chart/templates/_audit-alerts.tpl', import.meta.url), 'utf8')
const alerts = [
  ...(await readRules()).map(({ alert }) => alert),
  ...[...ofChart.matchAll(/- alert: (\w+)/g)].map(([, alert = '']) => alert),
]

/** By heading; one may name several codes. */
const sections = new Map(
  runbook
    .split(/^(?=#{2,3} )/m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf('\n')
      return [section.slice(0, end).replace(/^#+ /, ''), section.slice(end).trim()] as const
    }),
)
const named = [...sections.keys()].filter((heading) =>
  /^(?:[A-Z][A-Z0-9_]+|Firn[A-Z][A-Za-z]+)(?:, [A-Z0-9_]+)*$/.test(heading),
)

test('each failure, each finding and each alert has one section, and nothing else has', () => {
  const said = named.flatMap((heading) => heading.split(', '))
  assert.deepEqual(said.toSorted(), [...codes, ...alerts].toSorted())
})

test('each section says something, and that of an alert what it means, what to look at and what to do', () => {
  for (const heading of named) {
    const text = sections.get(heading) ?? ''
    assert.ok(text.length >= 60, heading)
    if (!alerts.includes(heading)) continue
    const parts = /^- \*\*Means\.\*\* ([^]+)\n- \*\*Look\.\*\* ([^]+)\n- \*\*Do\.\*\* ([^]+)$/.exec(text)
    assert.ok(parts, `${heading}: Means, Look, Do`)
    for (const part of parts.slice(1)) assert.ok(part.length >= 40, heading)
    assert.match(parts.slice(2).join(''), /`[a-z]|\]\(#/, `${heading}: a command`)
  }
})

test('a word that looks like a code is one; what stands in a command may be a name of somebody else', () => {
  const prose = runbook.replaceAll(/```[^]*?```/g, '').replaceAll(/`[^`]*`/g, '')
  for (const [code] of prose.replaceAll(/\]\([^)]*\)/g, '').matchAll(/\b(?!FIRN_)[A-Z]+_[A-Z_]+\b/g)) {
    assert.ok(codes.includes(code), code)
  }
})

test('each link leads to a heading or a file', async () => {
  const anchors = new Set(
    [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^a-z0-9_ -]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
  for (const [, to = ''] of runbook.matchAll(/\]\(([^)]+)\)/g)) {
    if (to.startsWith('#')) assert.ok(anchors.has(to.slice(1)), to)
    else await access(new URL(to, file))
  }
  const links = [
    ...(await readRules()).map(({ annotations }) => annotations['runbook_url'] ?? ''),
    ...[...ofChart.matchAll(/runbook_url: (.*)/g)].map(([, url = '']) => url),
  ]
  assert.equal(links.length, alerts.length)
  for (const url of links) assert.ok(anchors.has(url.split('#')[1] ?? ''), url)
})

test('what stands in a metric of the runbook is one of a rule or of the dashboard, or of telemetry.ts', async () => {
  const { metricOf } = await import('../check-alerts/known-names.ts')
  const all = [...runbook.matchAll(/\bfirn_[a-z_]+/g)].map(([name]) => name)
  assert.ok(all.length > 10)
  for (const name of all) assert.ok(metricOf(name) ?? metricOf(`${name}_count`), name)
})
