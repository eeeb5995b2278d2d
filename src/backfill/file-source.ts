/**
 * A file of messages as the source of a replay: JSON lines, plain or gzip. It is read twice: once before anything is stored,
 * to know that every line is a message and which file it is, and once for its messages.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { PassThrough } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { Message } from '../change.ts'
import { Failure } from '../failure.ts'
import { textBytesMax } from '../ingest/columns.ts'
import { parseMessageLine } from './message-line.ts'
import type { FileIdentity } from './request.ts'
import type { MessageSource, Stretch } from './source.ts'

export type InspectedFile = { readonly identity: FileIdentity; readonly lines: bigint; readonly messages: number }

/** Lines that are yielded together, or fewer of so many bytes. */
const stretchLines = 500
const stretchBytes = 2 ** 20

/** @throws Failure USAGE where it cannot be read, LINE_INVALID where a line is no message */
export async function inspectFile(path: string): Promise<InspectedFile> {
  const hash = createHash('sha256')
  let bytes = 0
  let lines = 0n
  let messages = 0
  const count = (chunk: Buffer): void => {
    hash.update(chunk)
    bytes += chunk.length
  }
  for await (const line of linesOf(path, count)) {
    lines++
    if (isBlank(line)) continue
    const parsed = parseMessageLine(line)
    if (typeof parsed === 'string') throw new Failure('LINE_INVALID', `${path}, line ${lines.toString()} ${parsed}`)
    messages++
  }
  if (messages === 0) throw new Failure('USAGE', `${path} holds no message`)
  return { identity: { sha256: hash.digest('hex'), bytes }, lines, messages }
}

export type FileSetting = {
  readonly path: string
  readonly topic: string
  /** the number of line 0; the offset of a message is this and its line, counted from 1 */
  readonly firstLine: bigint
  /** ms since 1970, of messages that tell none; null: those have none */
  readonly timestamp: bigint | null
}

export function fileSource(setting: FileSetting): MessageSource {
  return { read: (_part, from) => readLines(setting, from) }
}

async function* readLines({ path, topic, firstLine, timestamp }: FileSetting, from: bigint): AsyncGenerator<Stretch> {
  let offset = firstLine
  let messages: Message[] = []
  let bytes = 0
  for await (const line of linesOf(path)) {
    offset++
    if (offset < from) continue
    bytes += line.length
    if (!isBlank(line)) {
      const parsed = parseMessageLine(line)
      // It was another file then: whoever reads it again compares what it is first.
      if (typeof parsed === 'string') throw new Failure('LINE_INVALID', `${path}, line ${offset - firstLine} ${parsed}`)
      messages.push({ ...parsed, topic, partition: 0, offset, timestamp: parsed.timestamp ?? timestamp ?? -1n })
    }
    if (messages.length < stretchLines && bytes < stretchBytes) continue
    yield { messages, next: offset + 1n }
    messages = []
    bytes = 0
  }
  if (offset >= from) yield { messages, next: offset + 1n }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}

const newline = 0x0a
const gzipMagic = Buffer.from([0x1f, 0x8b])

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/** Lines without their ends, as bytes; the file's byte order mark is no part of the first. `raw` hears of the file's own bytes. */
async function* linesOf(path: string, raw: (chunk: Buffer) => void = () => undefined): AsyncGenerator<Buffer> {
  let pending: Buffer[] = []
  let pendingBytes = 0
  let isFirst = true
  const lineOf = (parts: readonly Buffer[]): Buffer => {
    const line = Buffer.concat(parts)
    const isMarked = isFirst && line.subarray(0, 3).equals(byteOrderMark)
    isFirst = false
    return isMarked ? line.subarray(3) : line
  }
  for await (const chunk of await contentOf(path, raw)) {
    let start = 0
    for (;;) {
      const end = chunk.indexOf(newline, start)
      if (end < 0) break
      yield lineOf([...pending, chunk.subarray(start, end)])
      pending = []
      pendingBytes = 0
      start = end + 1
    }
    pending.push(chunk.subarray(start))
    pendingBytes += chunk.length - start
    if (pendingBytes > textBytesMax)
      throw new Failure('LINE_INVALID', `${path}: a line of more than ${textBytesMax} bytes`)
  }
  if (pendingBytes > 0) yield lineOf(pending)
}

async function contentOf(path: string, raw: (chunk: Buffer) => void): Promise<AsyncIterable<Buffer>> {
  const isGzip = await hasMagic(path)
  const file = createReadStream(path)
  const out = new PassThrough()
  const through = async function* (chunks: Readable): AsyncGenerator<Buffer> {
    for await (const chunk of chunks as AsyncIterable<Buffer>) {
      raw(chunk)
      yield chunk
    }
  }
  const done = isGzip ? pipeline(file, through, createGunzip(), out) : pipeline(file, through, out)
  return (async function* () {
    try {
      yield* out as AsyncIterable<Buffer>
      await done
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new Failure('USAGE', `${path} cannot be read: ${reason}`, { cause: error })
    } finally {
      file.destroy()
      await done.catch(() => undefined)
    }
  })()
}

async function hasMagic(path: string): Promise<boolean> {
  try {
    const file = await open(path)
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0)
      return bytesRead === 2 && buffer.equals(gzipMagic)
    } finally {
      await file.close()
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Failure('USAGE', `--file ${path} cannot be read: ${reason}`, { cause: error })
  }
}
