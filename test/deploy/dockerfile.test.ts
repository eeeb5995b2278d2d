import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { imageEnvironment, imageFlags } from '../bench/firn-process.ts'
import { execForm, readDockerfile, stagesOf } from './dockerfile.ts'

const root = new URL('../../', import.meta.url)
const instructions = readDockerfile(await readFile(new URL('deploy/Dockerfile', root), 'utf8'))
const stages = stagesOf(instructions)
const final = stages.at(-1) ?? []
const textsOf = (name: string) => final.flatMap((one) => (one.name === name ? [one.text] : []))

test('the image is built on one version of Node, that of development, and on nothing else', async () => {
  const manifest = JSON.parse(await readFile(new URL('package.json', root), 'utf8')) as {
    readonly devDependencies: { readonly node: string }
  }
  const bases = instructions.flatMap(({ name, text }) => (name === 'FROM' ? [text.replace(/ AS .*/, '')] : []))
  assert.deepEqual(bases, ['${NODE_IMAGE}', 'scratch'])
  assert.deepEqual(instructions[0], {
    name: 'ARG',
    text: `NODE_IMAGE=node:${manifest.devDependencies.node}-bookworm-slim`,
  })
})

test('the image runs as a user with a number that is not root', () => {
  const [user = '', ...others] = textsOf('USER')
  assert.match(user, /^[1-9]\d*:[1-9]\d*$/)
  assert.deepEqual(others, [])
})

test('the image needs no shell: it runs none while it is made, and starts and asks for health without one', () => {
  assert.deepEqual(textsOf('RUN'), [])
  const [program = '', ...args] = textsOf('ENTRYPOINT').flatMap(execForm)
  assert.equal(program, '/usr/local/bin/node')
  assert.deepEqual(args, [...imageFlags, '/app/dist/main.js'])
  assert.deepEqual(textsOf('CMD').flatMap(execForm), ['run'])
  const [health = ''] = textsOf('HEALTHCHECK')
  const [, command = ''] = /^(?:--\S+ )*CMD (.*)$/.exec(health) ?? []
  assert.equal(execForm(command)[0], program)
})

test('benchmarks run with the environment of the image', () => {
  const environment = textsOf('ENV').flatMap((text) => text.split(' '))
  for (const [name, value] of Object.entries(imageEnvironment))
    assert.ok(environment.includes(`${name}=${value}`), name)
})

test('the build sees what it copies, and nothing else', async () => {
  const ignore = await readFile(new URL('.dockerignore', root), 'utf8')
  const seen = ignore.split('\n').flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
  assert.ok(ignore.split('\n').includes('*'))
  const copied = instructions.flatMap(({ name, text }) =>
    name === 'COPY' && !text.startsWith('--from') ? text.split(' ').slice(0, -1) : [],
  )
  assert.deepEqual(seen.toSorted(), copied.toSorted())
})
