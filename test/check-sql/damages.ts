/**
 * One token of a rendered file damaged at a time, in each template and in each scripting body: what sqlfluff must refuse, so
 * that its consent to the rest means something.
 */
import { templateOf } from './configurations.ts'
import { bodiesOf, type SqlFile } from './sql-file.ts'

/** The first `find` in a file of the template, or in its scripting body, becomes `replace`. */
type Damage = readonly [template: string, find: string, replace: string, where?: 'body']

const damages: readonly Damage[] = [
  ['0_account.sql', 'CREATE ROLE IF NOT EXISTS', 'CREATE ROLE IF NOT'],
  ['0_account.sql', 'TYPE = EXTERNAL_STAGE', 'TYPE EXTERNAL_STAGE'],
  ['R__000_grants.sql', 'TO ROLE', 'ROLE'],
  ['V000__ledger.sql', "\n)\n  COMMENT = 'Ledger", "\n  COMMENT = 'Ledger"],
  ['V000__ledger.sql', ' ON m.script = s.script', ''],
  ['V001__stage.sql', 'FILE FORMAT', 'FILE FROMAT'],
  ['V002__control.sql', 'NUMBER(10, 0)', 'NUMBER(10, 0'],
  ['V003__audit.sql', 'ADD COLUMN', 'COLUMN'],
  ['10_landing.sql', 'op VARCHAR NOT NULL', 'op VARCHAR NOT'],
  ['10_landing.sql', 'GRANT SELECT ON', 'GRANT SELECT'],
  ['20_stream.sql', 'ON TABLE', 'TABLE'],
  ['30_target.sql', 'CREATE TABLE', 'CREATE TABEL'],
  ['40_tombstones.sql', ' (\n  id', '\n  id'],
  ['50_merge.sql', '\n  WHEN SYSTEM', '\n  WEHN SYSTEM'],
  ['50_merge.sql', '\nAS\n', '\n'],
  ['50_merge.sql', 'ON t.ID = s.id', '', 'body'],
  ['50_merge.sql', 'WHEN MATCHED', 'WEHN MATCHED', 'body'],
  ['50_merge.sql', 'QUALIFY ROW_NUMBER()', 'QUALIFY ROW_NUMBER(', 'body'],
  ['50_merge.sql', 'UPDATE SET', 'UPDATE', 'body'],
  ['50_merge.sql', 'GROUP BY', 'GROUP', 'body'],
  ['50_merge.sql', 'WHEN OTHER THEN', 'WHEN OTHER', 'body'],
  ['60_rejects.sql', 'UNION ALL', 'UNION AL'],
  ['61_history.sql', 'OVER (PARTITION', 'OVER PARTITION'],
  ['62_live.sql', 'WITH merged AS (', 'WITH merged AS'],
  ['62_live.sql', 'LEFT JOIN', 'LEFT JION'],
  ['65_retention.sql', 'EXECUTE IMMEDIATE', 'EXECUTE IMEDIATE'],
  ['65_retention.sql', 'DELETE FROM', 'DELETE FORM', 'body'],
  ['70_pipe.sql', 'COPY INTO', 'COPY'],
  ['70_pipe.sql', 'DROP PIPE IF EXISTS', 'DROP PIPE IF'],
  ['70_pipe.sql', '\n)\nFILE_FORMAT', '\nFILE_FORMAT'],
]

/** A damaged file for each damage, under a name that tells it. @throws Error where there is nothing to damage */
export function damagedFiles(files: readonly SqlFile[]): readonly SqlFile[] {
  return damages.map(([template, find, replace, where], index) => {
    const of = files.filter(({ name }) => templateOf(name) === template)
    const found = (where === 'body' ? of.flatMap(bodiesOf) : of).find(({ text }) => text.includes(find))
    if (!found) throw new Error(`no file of ${template} holds ${JSON.stringify(find)}`)
    const text = found.text.replace(find, () => replace)
    return { name: `${String(index + 1).padStart(2, '0')}-${found.name}`, text }
  })
}

/** What the damage of that name was, for people. */
export function damageText(name: string): string {
  const [template = '', find = '', replace = ''] = damages[Number.parseInt(name, 10) - 1] ?? []
  return `${template}: ${JSON.stringify(find)} made ${JSON.stringify(replace)}`
}

/** Templates in which nothing is damaged. */
export function undamaged(templates: readonly string[]): readonly string[] {
  return templates.filter((template) => !damages.some(([of]) => of === template))
}
