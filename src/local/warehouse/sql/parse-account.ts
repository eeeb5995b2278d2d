/**
 * CREATE of what belongs to the account: roles and storage integrations.
 */
import type { Cursor } from './cursor.ts'
import type { Head } from './parse-create.ts'
import { choice, parseOptions } from './parse-options.ts'
import type { Statement } from './statement.ts'

export function parseRole(cursor: Cursor, head: Head): Statement {
  const comment = parseOptions(cursor, { COMMENT: () => cursor.string() }).COMMENT ?? null
  return { kind: 'create role', ...head, comment }
}

export function parseIntegration(cursor: Cursor, head: Head): Statement {
  if (head.existing === 'replace') {
    // Snowflake cuts the stages off that use it; the development warehouse has no notion of a stage that is cut off.
    throw cursor.refuse(undefined, 'The development warehouse does not know OR REPLACE of a storage integration.')
  }
  const given = parseOptions(cursor, {
    TYPE: () => choice(cursor, 'EXTERNAL_STAGE'),
    STORAGE_PROVIDER: () => choice(cursor, 'S3'),
    ENABLED: () => choice(cursor, 'TRUE'),
    STORAGE_AWS_ROLE_ARN: () => cursor.string(),
    STORAGE_ALLOWED_LOCATIONS: () => cursor.listInParentheses(() => location(cursor)),
    COMMENT: () => cursor.string(),
  })
  const { STORAGE_AWS_ROLE_ARN: roleArn, STORAGE_ALLOWED_LOCATIONS: allowedLocations } = given
  const { TYPE, STORAGE_PROVIDER, ENABLED } = given
  if (TYPE === undefined || STORAGE_PROVIDER === undefined || ENABLED === undefined || roleArn === undefined) {
    throw cursor.refuse(undefined, 'It takes TYPE, STORAGE_PROVIDER, ENABLED and STORAGE_AWS_ROLE_ARN.')
  }
  if (allowedLocations === undefined) throw cursor.refuse(undefined, 'It takes STORAGE_ALLOWED_LOCATIONS.')
  return { kind: 'create integration', ...head, roleArn, allowedLocations, comment: given.COMMENT ?? null }
}

function location(cursor: Cursor): string {
  const token = cursor.peek()
  const url = cursor.string()
  if (url !== '*' && !url.startsWith('s3://')) {
    throw cursor.refuse(token, "The development warehouse knows s3:// and '*' only.")
  }
  return url
}
