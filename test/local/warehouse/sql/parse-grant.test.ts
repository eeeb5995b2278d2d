/** GRANT, REVOKE, roles and storage integrations as data, and what of them is refused by name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStatement } from '../../../../src/local/warehouse/sql/parse-statement.ts'
import { SqlError } from '../../../../src/local/warehouse/sql/statement.ts'

for (const [sql, expected] of [
  ['CREATE ROLE IF NOT EXISTS r', { kind: 'create role', name: ['R'], existing: 'keep', comment: null }],
  [
    `CREATE STORAGE INTEGRATION i TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE
     STORAGE_AWS_ROLE_ARN = 'arn' STORAGE_ALLOWED_LOCATIONS = ('s3://b/p/', 's3://c/') COMMENT = 'c'`,
    {
      kind: 'create integration',
      name: ['I'],
      existing: 'fail',
      roleArn: 'arn',
      allowedLocations: ['s3://b/p/', 's3://c/'],
      comment: 'c',
    },
  ],
  ['GRANT ROLE r TO USER u', { kind: 'grant role', role: 'R', grantee: { kind: 'user', name: 'U' } }],
  ['REVOKE ROLE r FROM ROLE s', { kind: 'revoke role', role: 'R', grantee: { kind: 'role', name: 'S' } }],
  [
    'GRANT CREATE FILE FORMAT, USAGE ON SCHEMA a.b TO r',
    {
      kind: 'grant',
      privileges: ['CREATE FILE FORMAT', 'USAGE'],
      on: { scope: 'object', what: 'schema', name: ['A', 'B'] },
      role: 'R',
    },
  ],
  [
    'GRANT EXECUTE TASK ON ACCOUNT TO ROLE r',
    { kind: 'grant', privileges: ['EXECUTE TASK'], on: { scope: 'account' }, role: 'R' },
  ],
  [
    'REVOKE ALL PRIVILEGES ON FUTURE FILE FORMATS IN SCHEMA s FROM ROLE r',
    { kind: 'revoke', privileges: ['ALL'], on: { scope: 'future', what: 'file format', schema: ['S'] }, role: 'R' },
  ],
  [
    'GRANT OWNERSHIP ON TABLE t TO ROLE r COPY CURRENT GRANTS',
    { kind: 'grant ownership', what: 'table', name: ['T'], role: 'R', currentGrants: 'copy' },
  ],
  ['SHOW GRANTS', { kind: 'show grants', of: { to: 'current user' } }],
  ['SHOW GRANTS TO ROLE r', { kind: 'show grants', of: { to: { kind: 'role', name: 'R' } } }],
  ['SHOW GRANTS ON TABLE t', { kind: 'show grants', of: { on: { scope: 'object', what: 'table', name: ['T'] } } }],
  ["SHOW ROLES LIKE 'x'", { kind: 'show', what: 'role', like: 'x', within: 'account' }],
  ['USE SECONDARY ROLES NONE', { kind: 'use secondary roles', roles: 'none' }],
  ['DESC INTEGRATION i', { kind: 'describe', what: 'integration', name: ['I'] }],
  ['DROP INTEGRATION i', { kind: 'drop', what: 'integration', name: ['I'], ifExists: false }],
] as const) {
  test(sql, () => {
    assert.deepEqual(parseStatement(sql), expected)
  })
}

for (const [what, sql, word] of [
  ['a grant option', 'GRANT SELECT ON TABLE t TO ROLE r WITH GRANT OPTION', 'WITH'],
  ['a share', 'GRANT SELECT ON TABLE t TO SHARE s', 's'],
  ['a grant without the kind of its object', 'GRANT SELECT ON t TO ROLE r', 't'],
  ['a grant on all of a database', 'GRANT SELECT ON ALL TABLES IN DATABASE d TO ROLE r', 'DATABASE'],
  ['a grant on all databases', 'GRANT USAGE ON ALL SCHEMAS IN DATABASE d TO ROLE r', 'SCHEMAS'],
  ['CASCADE of a REVOKE', 'REVOKE SELECT ON TABLE t FROM ROLE r CASCADE', 'CASCADE'],
  ['a database role', 'GRANT DATABASE ROLE d.r TO ROLE s', '.'],
  ['a tag of a role', "CREATE ROLE r WITH TAG (t = 'x')", 'WITH'],
  ['a user', 'CREATE USER u', 'USER'],
  ['secondary roles', 'USE SECONDARY ROLES ALL', 'ALL'],
  ['a warehouse', 'DROP WAREHOUSE w', 'WAREHOUSE'],
  ['an integration of another kind', 'CREATE NOTIFICATION INTEGRATION i ENABLED = TRUE', 'NOTIFICATION'],
  ['another store of an integration', "CREATE STORAGE INTEGRATION i STORAGE_PROVIDER = 'GCS'", "'GCS'"],
  ['an integration that is disabled', 'CREATE STORAGE INTEGRATION i ENABLED = FALSE', 'FALSE'],
  [
    'an option of an integration',
    "CREATE STORAGE INTEGRATION i STORAGE_BLOCKED_LOCATIONS = ('s3://b/')",
    'STORAGE_BLOCKED_LOCATIONS',
  ],
  [
    'an integration without locations',
    "CREATE STORAGE INTEGRATION i TYPE = EXTERNAL_STAGE STORAGE_PROVIDER = 'S3' ENABLED = TRUE STORAGE_AWS_ROLE_ARN = 'a'",
    '<EOF>',
  ],
] as const) {
  test(`${what} is refused by name`, () => {
    assert.throws(
      () => parseStatement(sql),
      (error) => {
        assert.ok(error instanceof SqlError)
        assert.equal(error.code, '001003')
        assert.ok(error.message.toUpperCase().includes(`UNEXPECTED '${word.toUpperCase()}'`), error.message)
        return true
      },
    )
  })
}
