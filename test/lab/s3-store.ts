/**
 * A real S3 server for the laboratory, which keeps every content that a name ever had, and a proxy in front of it that
 * answers 503 and 409, takes its time, and loses answers: those of requests that were done.
 */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import type { StageConfig } from '../../src/config.ts'
import { findParts } from '../../src/local/parts.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { createBucket } from '../../src/stage/s3.ts'
import { until } from '../support/until.ts'
import { type Child, start, stop } from './child.ts'

/** Probabilities of each request; `delayMs` is the longest delay. */
export type StoreFaults = {
  readonly unavailable: number
  readonly conflict: number
  readonly lostAnswer: number
  readonly delayMs: number
}

export const noFaults: StoreFaults = { unavailable: 0, conflict: 0, lostAnswer: 0, delayMs: 0 }

export type S3Store = {
  /** through the proxy */
  readonly stage: StageConfig
  /** where objects lie as files: `<folder>/<key>` */
  readonly folder: string
  /** From now on. `random` gives numbers from 0 to 1. */
  misbehave(faults: StoreFaults, random: () => number): void
  /** how often each fault was inflicted */
  readonly inflicted: { unavailable: number; conflict: number; lostAnswer: number }
  stop(): Promise<void>
  start(): Promise<void>
  /** Names that had another content before. */
  replaced(): Promise<readonly string[]>
  down(): Promise<void>
}

const bucket = 'lab'
const accessKeyId = 'lab'
const secretAccessKey = 'laboratory'

/** `dir` is the caller's to remove. */
export async function startStore(dir: string): Promise<S3Store> {
  const [port = 0] = await choosePorts(1)
  const objects = join(dir, 'objects')
  const versions = join(dir, 'versions')
  await Promise.all([mkdir(objects, { recursive: true }), mkdir(versions, { recursive: true })])
  const direct: StageConfig = {
    bucket,
    prefix: 'firn/',
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId,
    secretAccessKey,
  }
  let child: Child | null = null
  const startServer = async () => {
    const args = ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', '--versioning-dir', versions, objects]
    const keys = { ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey }
    child = await start(findParts().versitygw, args, join(dir, 's3.log'), keys)
    const there = () =>
      createBucket(direct).then(
        () => true,
        () => false,
      )
    await until('the S3 server', there, Boolean)
  }
  await startServer()
  await keepVersions(direct)

  let faults = noFaults
  let random: () => number = Math.random
  const inflicted = { unavailable: 0, conflict: 0, lostAnswer: 0 }
  const server = createServer((near, answer) => {
    void misbehaving(near, answer)
  })
  async function misbehaving(near: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { unavailable, conflict, lostAnswer, delayMs } = faults
    const dice = random()
    if (delayMs > 0) await sleep(random() * delayMs)
    if (dice < unavailable) {
      inflicted.unavailable++
      refuse(near, answer, 503, 'SlowDown')
    } else if (dice < unavailable + conflict && near.method === 'PUT') {
      inflicted.conflict++
      refuse(near, answer, 409, 'ConditionalRequestConflict')
    } else {
      const loses = dice >= 1 - lostAnswer
      if (loses) inflicted.lostAnswer++
      forward(near, answer, port, loses)
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxyPort = (server.address() as AddressInfo).port
  return {
    stage: { ...direct, endpoint: `http://127.0.0.1:${proxyPort}` },
    folder: join(objects, bucket),
    misbehave: (given, dice) => {
      faults = given
      random = dice
    },
    inflicted,
    start: startServer,
    stop: async () => {
      if (child) await stop(child)
    },
    replaced: async () => {
      if (!existsSync(versions)) return []
      const entries = await readdir(versions, { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    },
    down: async () => {
      child?.signal('SIGKILL')
      await child?.ended
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function keepVersions(stage: StageConfig): Promise<void> {
  const client = new S3Client({
    region: stage.region,
    endpoint: stage.endpoint ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
  await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  client.destroy()
}

function refuse(near: IncomingMessage, answer: ServerResponse, status: number, code: string): void {
  near.resume()
  near.on('end', () => {
    answer.writeHead(status, { 'content-type': 'application/xml' })
    answer.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>laboratory</Message></Error>`)
  })
}

/** The request as it came, its host too: that is signed. */
function forward(near: IncomingMessage, answer: ServerResponse, port: number, losesAnswer: boolean): void {
  const far = request(
    { port, host: '127.0.0.1', method: near.method, path: near.url, headers: near.headers },
    (reply) => {
      if (losesAnswer) {
        reply.resume()
        reply.on('end', () => answer.destroy())
        return
      }
      answer.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(answer)
    },
  )
  far.on('error', () => answer.destroy())
  near.on('error', () => far.destroy())
  near.pipe(far)
}
