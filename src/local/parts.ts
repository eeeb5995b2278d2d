/**
 * Where the programs are that the development stack is made of. Installing them is install-parts.sh's, starting them the
 * part's own file.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../failure.ts'

/** Holds package.json, in a checkout as well as beside dist/. */
export const projectRoot = join(import.meta.dirname, '..', '..')

export type Parts = {
  readonly java: string
  /** class path of Kafka and all that it needs */
  readonly kafkaClassPath: string
  readonly versitygw: string
}

/** @throws Failure STACK_PART_MISSING naming the part */
export function findParts(folder: string = join(projectRoot, '.firn', 'parts')): Parts {
  const kafka = join(folder, 'kafka')
  if (!existsSync(join(kafka, '.done'))) throw missing(`Apache Kafka, in ${kafka}`)
  const versitygw = join(folder, 's3', 'versitygw')
  if (!existsSync(versitygw)) throw missing(`the S3 server, ${versitygw}`)
  const home = process.env['JAVA_HOME']
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java')
  for (const [program, argument] of [
    [java, '-version'],
    ['openssl', 'version'],
  ] as const) {
    const { error } = spawnSync(program, [argument], { stdio: 'ignore' })
    if (error) throw missing(`the program ${program}`, error)
  }
  const jars = readdirSync(kafka).filter((name) => name.endsWith('.jar'))
  return { java, kafkaClassPath: jars.map((jar) => join(kafka, jar)).join(':'), versitygw }
}

function missing(what: string, cause?: unknown): Failure {
  return new Failure('STACK_PART_MISSING', `cannot find ${what}`, { cause })
}
