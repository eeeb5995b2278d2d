/**
 * The image without a Docker engine: the steps of its first stage run as scripts in a folder, and what they leave for the last
 * stage starts there, with the image's own loader and libraries.
 */
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { choosePorts } from '../../src/local/ports.ts'
import { until } from '../support/until.ts'
import { execForm, readDockerfile, stagesOf } from './dockerfile.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const run = promisify(execFile)
const [build = [], final = []] = stagesOf(readDockerfile(await readFile(join(root, 'deploy/Dockerfile'), 'utf8')))
const textOf = (name: string): string => final.find((one) => one.name === name)?.text ?? ''

/** Does what the first stage does, under a folder instead of /; returns the root of what the last stage copies. */
async function buildUnder(folder: string): Promise<string> {
  const app = join(folder, 'app')
  await mkdir(app)
  // What npm has fetched before need not be fetched again.
  const env = { ...process.env, npm_config_prefer_offline: 'true' }
  for (const { name, text } of build) {
    if (name === 'COPY') {
      const words = text.split(' ')
      for (const from of words.slice(0, -1)) {
        const to = text.endsWith(' ./') ? from : (words.at(-1) ?? '')
        await cp(join(root, from), join(app, to), { recursive: true })
      }
    }
    if (name === 'RUN') await run('/bin/sh', ['-c', text.replaceAll('/rootfs', `${folder}/rootfs`)], { cwd: app, env })
  }
  return join(folder, 'rootfs')
}

/** Where shared libraries lie, and the loader of programs. */
async function librariesIn(image: string): Promise<{ readonly folders: readonly string[]; readonly loader: string }> {
  const entries = await readdir(image, { recursive: true, withFileTypes: true })
  const shared = entries.filter(({ name, parentPath }) => /\.so(\.\d+)*$/.test(name) && !parentPath.includes('/app/'))
  const loader = shared.find(({ name }) => name.startsWith('ld-linux'))
  assert.ok(loader)
  const folders = [...new Set(shared.map(({ parentPath }) => parentPath))]
  return { folders, loader: join(loader.parentPath, loader.name) }
}

test('the steps of the Dockerfile make an image that starts, tells that it is well, and ends in order on SIGTERM', async (t) => {
  const work = await mkdtemp(join(tmpdir(), 'firn-image-'))
  t.after(() => rm(work, { recursive: true, force: true }))
  const image = await buildUnder(work)

  assert.deepEqual(await readdir(join(image, 'usr/local/bin')), ['node'])
  assert.deepEqual(
    (await readdir(image)).filter((name) => !/^(app|etc|lib\d*|tmp|usr)$/.test(name)),
    [],
  )
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as Record<string, object>
  const packages = await readdir(join(image, 'app/node_modules'), { recursive: true })
  const isThere = (name: string): boolean => packages.includes(name)
  assert.deepEqual(
    Object.keys(manifest['dependencies'] ?? {}).filter((name) => !isThere(name)),
    [],
  )
  assert.deepEqual(Object.keys(manifest['devDependencies'] ?? {}).filter(isThere), [])
  assert.match(await readFile(join(image, 'etc/passwd'), 'utf8'), new RegExp(`:${textOf('USER')}:`))

  const { folders, loader } = await librariesIn(image)
  const inImage = (path: string): string => path.replace(/^\/(?=usr\/|app\/)/, `${image}/`)
  /** As it would run in the image: no library of this machine is looked for. */
  const inside = (command: readonly string[]): readonly string[] => [
    '--inhibit-cache',
    '--library-path',
    folders.join(':'),
    ...command.map(inImage),
  ]
  const entry = execForm(textOf('ENTRYPOINT'))
  const { stdout } = await run(loader, inside([...entry, '--help']), { env: {} })
  assert.match(stdout, /^firn: change data from Kafka into Snowflake/)

  const [port = 0] = await choosePorts(1)
  const config = join(work, 'firn.yaml')
  await writeFile(
    config,
    'kafka: { brokers: ["127.0.0.1:1"] }\nstage: { bucket: cdc }\ntables: [{ topic: a, table: A.A, key: [id] }]\n',
  )
  const env = { FIRN_CONFIG: config, FIRN_STATUS_LISTEN: `127.0.0.1:${port}`, HOME: work }
  const service = spawn(loader, inside([...entry, ...execForm(textOf('CMD'))]), {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => service.kill('SIGKILL'))
  let log = ''
  service.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
  const ended = once(service, 'exit')
  const [, health = ''] = /CMD (.*)$/.exec(textOf('HEALTHCHECK')) ?? []
  const isWell = (): Promise<boolean> =>
    run(loader, inside(execForm(health)), { env }).then(
      () => true,
      () => false,
    )
  assert.equal(await Promise.race([until('health', isWell, (well) => well), ended.then(() => 'ended')]), true, log)
  service.kill('SIGTERM')
  assert.deepEqual(await ended, [0, null], log)
  assert.equal(await isWell(), false)
})
