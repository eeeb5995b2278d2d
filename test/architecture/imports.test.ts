import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'node:test'
import { brokenRules } from '../support/import-rules.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const sources = globSync('src/**/*.ts', { cwd: root }).map((path) => ({
  path,
  text: readFileSync(`${root}${path}`, 'utf8'),
}))

describe('the source tree', () => {
  test('keeps its layers, its vendors at home, and the end of the process in main.ts', () => {
    assert.ok(sources.length > 20)
    assert.deepEqual(brokenRules(sources), [])
  })

  test('opens each file with what it decides', () => {
    const silent = sources.filter(({ text }) => !/^(#!.*\n)?\/\*\*\s/.test(text)).map(({ path }) => path)
    assert.deepEqual(silent, [])
  })

  test('holds no file of a name that says nothing', () => {
    const vague = /(^|\/|-)(util|utils|helper|helpers|common|misc|manager|service|types|index)(-[a-z]+)*\.ts$/
    assert.deepEqual(
      sources.map(({ path }) => path).filter((path) => vague.test(path) || path.toLowerCase() !== path),
      [],
    )
  })

  test('has no default export and no enum', () => {
    const found = sources.filter(({ text }) => /^export default|^\s*(export )?(const )?enum /m.test(text))
    assert.deepEqual(
      found.map(({ path }) => path).filter((path) => !path.endsWith('.d.ts')),
      [],
    )
  })

  test('every dependency has its line in the README', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as Record<
      'dependencies' | 'devDependencies',
      Record<string, string>
    >
    const readme = readFileSync(`${root}README.md`, 'utf8')
    const section = readme.slice(readme.indexOf('## Dependencies'))
    const words = new Set(section.split(/[\s,|()]+/).map((word) => word.replace(/[.:`]+$|^`/g, '')))
    assert.deepEqual(
      Object.keys({ ...dependencies, ...devDependencies }).filter((name) => !words.has(name)),
      [],
    )
  })
})

describe('a break of a rule is seen:', () => {
  const breaks: readonly [name: string, path: string, text: string, why: RegExp][] = [
    ['upwards', 'src/kafka/x.ts', `import { x } from '../ingest/y.ts'`, /kafka imports ingest, which lies above/],
    ['root upwards', 'src/x.ts', `export * from './stage/y.ts'`, /root imports stage, which lies above/],
    ['sideways, below', 'src/stage/x.ts', `import type { x } from '../kafka/y.ts'`, /stage imports kafka.* beside/],
    ['sideways, the halves', 'src/ingest/x.ts', `import '../warehouse/y.ts'`, /ingest imports warehouse.* beside/],
    ['ingest to Snowflake', 'src/ingest/x.ts', `import { x } from '../snowflake/y.ts'`, /halves never meet/],
    ['warehouse to Kafka', 'src/warehouse/a/x.ts', `import { x } from '../../kafka/y.ts'`, /halves never meet/],
    ['through a call', 'src/ingest/x.ts', `const x = await import('../snowflake/y.ts')`, /halves never meet/],
    ['through a type', 'src/ingest/x.ts', `type X = import('../snowflake/y.ts').X`, /halves never meet/],
    ['out of src', 'src/ingest/x.ts', `import { x } from '../../test/support/y.ts'`, /outside src/],
    ['a new folder', 'src/ingest/x.ts', `import { x } from '../misc/y.ts'`, /no layer holds/],
    [
      'a vendor abroad',
      'src/ingest/x.ts',
      `import kafkajs from 'kafkajs'`,
      /kafkajs, which is at home in src\/kafka\//,
    ],
    ['a part of a vendor', 'src/x.ts', `require('snowflake-sdk/dist/x')`, /at home in src\/snowflake\//],
    ['a vendor of one file', 'src/config-rules.ts', `import { z } from 'zod'`, /at home in src\/config.ts/],
    ['a vendor by scope', 'src/kafka/x.ts', `import { S3 } from '@aws-sdk/client-s3'`, /at home in src\/stage\//],
    ['a new vendor', 'src/kafka/x.ts', `import _ from 'lodash/fp'`, /lodash, which has no home/],
    ['process.exit', 'src/ingest/x.ts', `if (done) process.exit(1)`, /ends the process/],
    ['process["exit"]', 'src/ingest/x.ts', `process['exit'](1)`, /ends the process/],
    ['exit out of process', 'src/ingest/x.ts', `const { exit: leave } = process`, /ends the process/],
    ['exit imported', 'src/ingest/x.ts', `import { exit } from 'node:process'`, /ends the process/],
  ]
  for (const [name, path, text, why] of breaks) {
    test(name, () => {
      const broken = brokenRules([{ path, text }])
      assert.equal(broken.length, 1, broken.join('\n'))
      assert.match(broken[0] ?? '', why)
    })
  }

  test('and what keeps them is not', () => {
    const kept = [
      { path: 'src/main.ts', text: `import('./commands/x.ts'); process.exit()` },
      { path: 'src/commands/x.ts', text: `import '../ingest/x.ts'; import '../snowflake/x.ts'; import './y.ts'` },
      { path: 'src/ingest/x.ts', text: `import 'node:fs'; import '../kafka/x.ts'; import '../change.ts'` },
      { path: 'src/stage/x.ts', text: `import { S3 } from '@aws-sdk/client-s3'; worker.exit(); process.exitCode = 1` },
    ]
    assert.deepEqual(brokenRules(kept), [])
  })
})
