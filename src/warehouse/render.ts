/**
 * Fills the scripts under sql/ for one configuration: the same settings always give the same text.
 * Reading the scripts is in scripts.ts, the values in values.ts; what of the scripts must run is decided in migrations.ts.
 */
import { createHash } from 'node:crypto'
import type { Config, TableConfig } from '../config.ts'
import { Failure } from '../failure.ts'
import { stemOf } from '../identifier.ts'
import { splitStatements } from './statements.ts'
import { type Rendering, sharedRendering, tableRendering, topicRendering } from './values.ts'

/** A file under sql/, as written. */
export type Template = { readonly file: string; readonly text: string }

/** A script as it would run. */
export type Script = {
  /** name of the file that is rendered: the ledger's key, and a name that schemachange and Flyway accept */
  readonly name: string
  readonly text: string
  /** SHA-256 of the text, hex */
  readonly checksum: string
  /** may change after it was applied, and is then applied again */
  readonly isRepeatable: boolean
  readonly statements: readonly string[]
}

/** What the comment lines at the head of a script say it is rendered for; null: once. */
type Subject = 'account' | 'topic' | 'table' | null

/**
 * Every script in the order in which they run: the shared ones, then topic by topic its templates, one for the topic or
 * one for each of its tables. So a pipe comes after the streams of its landing table. What is left out is the account's.
 *
 * Invariant: sorted by name, the repeatable ones of one topic keep that order, as schemachange and Flyway apply them.
 *
 * @throws Failure CONFIG_INVALID where a setting is missing, SCRIPT_INVALID where a script is at fault
 */
export function renderScripts(templates: readonly Template[], config: Config): readonly Script[] {
  const shared = sharedRendering(config)
  const scripts = templates.filter(({ text }) => subjectOf(text) === null).map((one) => render(one, one.file, shared))
  for (const topic of new Set(config.tables.map((table) => table.topic))) {
    const tables = config.tables.filter((table) => table.topic === topic)
    const ofTopic = topicRendering(config, shared, topic)
    for (const template of templates) {
      const subject = subjectOf(template.text)
      const name = `R__${stemOf(topic)}__${template.file}`
      if (subject === 'topic') scripts.push(render(template, name, ofTopic))
      if (subject !== 'table') continue
      for (const table of tables) {
        const own = name.replace(/\.sql$/, `__${stemOf(table.table)}.sql`)
        scripts.push(render(template, own, tableRendering(config, ofTopic, table)))
      }
    }
  }
  return scripts
}

/** What an account administrator runs, before all others. @throws Failure CONFIG_INVALID, SCRIPT_INVALID */
export function renderAccountScript(templates: readonly Template[], config: Config): Script {
  const template = templates.find(({ text }) => subjectOf(text) === 'account')
  if (!template) throw new Failure('SCRIPT_INVALID', 'sql/: no script is for the account')
  return render(template, template.file, sharedRendering(config))
}

/** What a query about one table is rendered for; `values` are its own, beside those that all scripts have. */
export type QuerySubject = {
  readonly config: Config
  readonly table: TableConfig
  readonly values: Readonly<Record<string, string>>
}

/** The one statement of a file under sql/audit/. @throws Failure CONFIG_INVALID, SCRIPT_INVALID */
export function renderQuery(
  templates: readonly Template[],
  file: string,
  { config, table, values }: QuerySubject,
): string {
  const template = templates.find((one) => one.file === file)
  if (!template) throw new Failure('SCRIPT_INVALID', `sql/audit/: there is no ${file}`)
  const rendering = tableRendering(config, topicRendering(config, sharedRendering(config), table.topic), table)
  const { statements } = render(template, file, { ...rendering, values: { ...rendering.values, ...values } })
  const [statement, ...others] = statements
  if (statement === undefined || others.length > 0) throw new Failure('SCRIPT_INVALID', `${file}: is not one statement`)
  return statement
}

function subjectOf(text: string): Subject {
  // Of the comment lines at the head only.
  const [head = ''] = /^(--.*\r?\n)*/.exec(text) ?? []
  const [, subject = null] = /^-- per: (account|topic|table)\r?$/m.exec(head) ?? []
  return subject as Subject
}

function render({ file, text }: Template, name: string, { values, flags }: Rendering): Script {
  const filled = fill(select(text.replaceAll('\r\n', '\n'), flags, file), values, name)
  return {
    name,
    text: filled,
    checksum: createHash('sha256').update(filled).digest('hex'),
    isRepeatable: name.startsWith('R__'),
    statements: splitStatements(filled, name),
  }
}

/**
 * A line that ends in `--[a, b]` stays, without its mark, where all of these are chosen, and is left out where one is not.
 *
 * @throws Failure SCRIPT_INVALID for a mark that no setting chooses between
 */
export function select(text: string, flags: Rendering['flags'], name: string): string {
  const lines = text.split('\n').flatMap((line) => {
    const [mark, list = ''] = / *--\[([^\]]*)\]$/.exec(line) ?? []
    if (mark === undefined) return [line]
    const isChosen = list.split(', ').map((flag) => {
      const chosen = Object.hasOwn(flags, flag) ? flags[flag] : undefined
      if (chosen === undefined) throw new Failure('SCRIPT_INVALID', `${name}: nothing is known for --[${list}]`)
      return chosen
    })
    return isChosen.every(Boolean) ? [line.slice(0, -mark.length)] : []
  })
  return lines.join('\n')
}

/** One pass, so that a value is never taken for a placeholder. @throws Failure SCRIPT_INVALID for one without a value */
export function fill(text: string, values: Rendering['values'], name: string): string {
  return text.replace(/\{\{([^}]*)\}?\}?/g, (written, key: string) => {
    const value = written === `{{${key}}}` && Object.hasOwn(values, key) ? values[key] : undefined
    if (value === undefined) throw new Failure('SCRIPT_INVALID', `${name}: nothing is known for ${written}`)
    if (typeof value !== 'string') return value.sql
    // Values stand in literals and in bodies too. Settings are checked for these when they are read.
    if (/['\\\n]|\$\$/.test(value)) {
      throw new Failure('SCRIPT_INVALID', `${name}: ${written} would be filled with a quote, a backslash or $$`)
    }
    return value
  })
}
