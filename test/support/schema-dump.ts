/**
 * All objects of a database as text, to be compared: names, columns, definitions, comments, grants. What differs between two
 * databases of one schema is left out: times, the database's name, and where its stage is.
 */
import { identifier } from '../../src/identifier.ts'
import type { Row, Session } from '../../src/snowflake/session.ts'

const kinds = ['SCHEMAS', 'TABLES', 'VIEWS', 'FILE FORMATS', 'STAGES', 'PIPES', 'STREAMS', 'TASKS'] as const

/** Of the columns of SHOW, those that say what an object is. */
const told: readonly string[] = [
  'comment',
  'text',
  'url',
  'storage_integration',
  'format_options',
  'definition',
  'table_name',
  'mode',
  'warehouse',
  'schedule',
  'state',
  'condition',
  'owner',
]

export async function dumpSchema(session: Session, database: string): Promise<string> {
  const lines: string[] = []
  for (const kind of kinds) {
    const rows = await session.query(`SHOW ${kind} IN DATABASE ${identifier(database)}`)
    for (const row of [...rows].sort((a, b) => (nameOf(kind, a) < nameOf(kind, b) ? -1 : 1))) {
      const name = nameOf(kind, row)
      if (/^(INFORMATION_SCHEMA|PUBLIC)\b/.test(name)) continue
      lines.push(`${kind.slice(0, -1)} ${name}`)
      for (const column of told) {
        // A schema that was there before keeps the comment that it had.
        if (kind === 'SCHEMAS' && column === 'comment') continue
        const value = row[column]
        if (typeof value === 'string' && value !== '') lines.push(`  ${column}: ${value.replace(/\n\s*/g, ' ')}`)
      }
      const whole = `${identifier(database)}.${name.split('.').map(identifier).join('.')}`
      if (kind === 'TABLES') lines.push(...(await columnsOf(session, whole)))
      lines.push(...(await grantsOn(session, kind.slice(0, -1), whole)))
    }
  }
  const text = lines.join('\n').replaceAll(identifier(database), 'DB').replaceAll(database, 'DB')
  return `${text.replace(/s3:\/\/\S+/g, 's3://...')}\n`
}

function nameOf(kind: string, row: Row): string {
  return kind === 'SCHEMAS' ? String(row['name']) : `${String(row['schema_name'])}.${String(row['name'])}`
}

/** In the order of their names: a column that came later stands last, wherever a new table has it. */
async function columnsOf(session: Session, table: string): Promise<readonly string[]> {
  const rows = await session.query(`DESC TABLE ${table}`)
  return rows
    .map(
      (row) => `  column ${['name', 'type', 'null?', 'default', 'comment'].map((key) => String(row[key])).join(' | ')}`,
    )
    .sort()
}

async function grantsOn(session: Session, kind: string, name: string): Promise<readonly string[]> {
  const rows = await session.query(`SHOW GRANTS ON ${kind} ${name}`)
  return rows.map((row) => `  ${String(row['privilege'])} to ${String(row['grantee_name'])}`).sort()
}
