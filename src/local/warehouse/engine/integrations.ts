/**
 * Storage integrations: which locations a stage may have through one, and what DESC tells of it.
 */
import type { CatalogObject } from './catalog.ts'
import type { Result } from '../engine.ts'
import { nameText } from '../sql/name-resolution.ts'
import { listing, textType } from './outcome.ts'
import { SqlError } from '../sql/statement.ts'

type Integration = CatalogObject<'integration'>

/** @throws SqlError 003127 */
export function checkLocation({ name, definition }: Integration, url: string): void {
  if (definition.allowedLocations.some((location) => isWithin(location, url))) return
  const text = `Location '${url}' is not allowed by integration '${nameText(name)}'.`
  const hint = 'Please use DESC INTEGRATION to check out allowed and blocked locations.'
  throw new SqlError('003127', '42601', `SQL compilation error:\n${text} ${hint}`)
}

/** Whole parts of the path count: `s3://b/p` does not allow `s3://b/px/`. */
function isWithin(location: string, url: string): boolean {
  if (location === '*') return true
  const folder = (text: string): string => (text.endsWith('/') ? text : `${text}/`)
  return folder(url).startsWith(folder(location))
}

/** The bucket's policy would name the two AWS identities: in the development warehouse they stand for nobody. */
export function describeIntegration({ id, definition }: Integration): Result {
  const { roleArn, allowedLocations, comment } = definition
  const rows: readonly (readonly [property: string, type: string, value: string | null, byDefault: string | null])[] = [
    ['ENABLED', 'Boolean', 'true', 'false'],
    ['STORAGE_PROVIDER', 'String', 'S3', null],
    ['STORAGE_ALLOWED_LOCATIONS', 'List', allowedLocations.join(','), '[]'],
    ['STORAGE_BLOCKED_LOCATIONS', 'List', null, '[]'],
    ['STORAGE_AWS_IAM_USER_ARN', 'String', 'arn:aws:iam::000000000000:user/development-warehouse', null],
    ['STORAGE_AWS_ROLE_ARN', 'String', roleArn, null],
    ['STORAGE_AWS_EXTERNAL_ID', 'String', `LOCAL_SFCRole=${String(id)}_development`, null],
    ['COMMENT', 'String', comment, null],
  ]
  const names = ['property', 'property_type', 'property_value', 'property_default']
  return listing(
    'show',
    names.map((name) => [name, textType]),
    rows,
  )
}
