/**
 * Row groups to a Parquet file, and the proof that the file has them all. The only importer of parquetjs-lite: schema, footer
 * and thrift are its; pages and row groups are made here, because the columns hold them in plain encoding already, and
 * because the package's own way rounds large integers and reads row by row. Version 0.8.7 is pinned: its insides are used.
 */
import { constants, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import parquet, { type ParquetEnvelopeWriter } from 'parquetjs-lite'
import thrift from 'parquetjs-lite/gen-nodejs/parquet_types.js'
import compression from 'parquetjs-lite/lib/compression.js'
import parquetjs from 'parquetjs-lite/lib/util.js'
import type { IngestConfig } from '../config.ts'
import { landingColumns } from '../landing.ts'
import { compressSync } from '../snappy.ts'
import type { RowGroup } from './batch.ts'
import { type ColumnPage, levelsRoom } from './columns.ts'

/** Statistics would hold whole values (ten of 1 MB make a file of 68 MB), and their UTF-8 bounds are wrong. */
const schema = new parquet.ParquetSchema(
  Object.fromEntries(
    landingColumns.map(({ name, type, optional }) => [
      name,
      { type, optional, compression: 'SNAPPY', statistics: false } as const,
    ]),
  ),
)

/** Snowflake's default scanner does not read V2 pages. */
const options = { useDataPageV2: false, pageIndex: false } as const

/**
 * Encodes a file. The same row groups give the same bytes; no row groups give a file with no rows.
 *
 * @throws where the footer, read back, does not count the rows that went in
 */
export async function encodeParquet(
  groups: readonly RowGroup[],
  compressedAs: IngestConfig['compression'],
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = []
  const write = (bytes: Uint8Array): void => void parts.push(bytes)
  const writer = new parquet.ParquetEnvelopeWriter(schema, write, () => undefined, 0, options)
  writer.writeHeader()
  for (const group of groups) writeGroup(writer, group, codecs[compressedAs])
  writer.writeFooter({})
  const file = joined(parts)
  await verify(file, groups)
  return file
}

/** Of a change in a landing file, what decides whether the merge takes it. */
export type LandedChange = { readonly id: string; readonly op: string; readonly position: string }

/** The changes of a landing file, row group by row group; what is no change (a reject) is counted as a row. */
export async function* readChanges(
  file: Uint8Array,
): AsyncGenerator<{ readonly rows: number; readonly changes: readonly LandedChange[] }, undefined> {
  const reader = await parquet.ParquetReader.openBuffer(Buffer.from(file.buffer, file.byteOffset, file.byteLength))
  const cursor = reader.getCursor([['id'], ['op'], ['position']])
  for (let group = await cursor.nextRowGroup(); group !== null; group = await cursor.nextRowGroup()) {
    const changes = group.flatMap(({ id, op, position }) => {
      const isChange = typeof id === 'string' && typeof op === 'string' && typeof position === 'string'
      return isChange ? [{ id, op, position }] : []
    })
    yield { rows: group.length, changes }
  }
  return
}

/** Pages go out as they are made: the package would copy what a row group has so far for each of its columns. */
function writeGroup(writer: ParquetEnvelopeWriter, group: RowGroup, codec: Codec): void {
  const columns = landingColumns.map(({ name, type, optional }, index) => {
    const start = writer.offset
    let plainBytes = 0
    let values = 0
    for (const page of group.columns[index] ?? []) {
      const { head, body, plain } = encodePage(page, optional, codec)
      writer.writeSection(head)
      writer.writeSection(body)
      plainBytes += head.length + plain
      values += page.rows
    }
    const data = new thrift.ColumnMetaData()
    data.type = physicalTypes[type]
    data.encodings = [thrift.Encoding.RLE, thrift.Encoding.PLAIN]
    data.path_in_schema = [name]
    data.codec = codec.id
    data.num_values = values
    data.total_uncompressed_size = plainBytes
    data.total_compressed_size = writer.offset - start
    data.data_page_offset = start
    const column = new thrift.ColumnChunk()
    column.file_offset = start
    column.meta_data = data
    return column
  })
  const written = new thrift.RowGroup()
  written.columns = columns
  written.num_rows = group.rows
  written.total_byte_size = columns.reduce((sum, { meta_data }) => sum + meta_data.total_uncompressed_size, 0)
  writer.rowGroups.push(written)
  writer.rowCount += group.rows
}

const physicalTypes = { UTF8: thrift.Type.BYTE_ARRAY, INT32: thrift.Type.INT32, INT64: thrift.Type.INT64 }

/** How pages are compressed, as their columns' metadata have it. */
type Codec = { readonly id: number; readonly compress: (plain: Uint8Array) => Buffer }

/** Level 1 of zstd and of gzip: higher ones cost several times the CPU for a tenth of the bytes. */
const codecs: Readonly<Record<IngestConfig['compression'], Codec>> = {
  zstd: { id: thrift.CompressionCodec.ZSTD, compress: (plain) => zstdCompressSync(plain, zstdLevel) },
  snappy: { id: thrift.CompressionCodec.SNAPPY, compress: compressSync },
  gzip: { id: thrift.CompressionCodec.GZIP, compress: (plain) => gzipSync(plain, { level: 1 }) },
}
const zstdLevel = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

// The package writes no ZSTD and reads none, though its footer knows it.
compression.PARQUET_COMPRESSION_METHODS['ZSTD'] = { inflate: zstdDecompressSync }

/** `plain` counts the bytes before compression. */
type EncodedPage = { readonly head: Buffer; readonly body: Buffer; readonly plain: number }

function encodePage(page: ColumnPage, optional: boolean, codec: Codec): EncodedPage {
  const plain = plainOf(page, optional)
  const body = codec.compress(plain)
  const header = new thrift.PageHeader()
  header.type = thrift.PageType.DATA_PAGE
  header.uncompressed_page_size = plain.length
  header.compressed_page_size = body.length
  header.data_page_header = new thrift.DataPageHeader()
  header.data_page_header.num_values = page.rows
  header.data_page_header.encoding = thrift.Encoding.PLAIN
  header.data_page_header.definition_level_encoding = thrift.Encoding.RLE
  header.data_page_header.repetition_level_encoding = thrift.Encoding.RLE
  return { head: parquetjs.serializeThrift(header), body, plain: plain.length }
}

/** The levels, where there are any, right before the values. */
function plainOf(page: ColumnPage, optional: boolean): Buffer {
  if (!optional) return Buffer.from(page.values, levelsRoom, page.used - levelsRoom)
  const levels = encodeLevels(page)
  const start = levelsRoom - levels.length
  const plain = Buffer.from(page.values, start, page.used - start)
  plain.set(levels)
  return plain
}

/**
 * Definition levels of one bit: their length (4 bytes), then one run. A repeated run (count << 1, then the level) where all
 * rows have a value or none has; else a bit-packed one (groups of 8 << 1 | 1, then the bits).
 */
function encodeLevels({ rows, used, present }: ColumnPage): Buffer {
  const run =
    present === null || used === levelsRoom
      ? [Buffer.from(varint(rows << 1)), Buffer.from([present === null ? 1 : 0])]
      : [Buffer.from(varint((Math.ceil(rows / 8) << 1) | 1)), new Uint8Array(present, 0, Math.ceil(rows / 8))]
  const length = Buffer.alloc(4)
  length.writeUInt32LE(run.reduce((sum, part) => sum + part.length, 0))
  return Buffer.concat([length, ...run])
}

/** Seven bits a byte, lowest first; the high bit says that more follow. */
function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

/** One buffer of its own, so that it can move between threads. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    file.set(part, at)
    at += part.length
  }
  return file
}

/** Reads the footer back and counts: rows of the file, of each row group, of each column in it. */
async function verify(file: Uint8Array, groups: readonly RowGroup[]): Promise<void> {
  const reader = await parquet.ParquetEnvelopeReader.openBuffer(Buffer.from(file.buffer))
  await reader.readHeader()
  const footer = await reader.readFooter()
  const expect = (what: string, found: number, expected: number): void => {
    if (found !== expected) throw new Error(`${what}: the footer says ${found}, ${expected} went in`)
  }
  expect(
    'rows',
    Number(footer.num_rows),
    groups.reduce((sum, group) => sum + group.rows, 0),
  )
  expect('row groups', footer.row_groups.length, groups.length)
  footer.row_groups.forEach((written, index) => {
    const rows = groups[index]?.rows ?? 0
    expect(`rows of row group ${index}`, Number(written.num_rows), rows)
    expect(`columns of row group ${index}`, written.columns.length, landingColumns.length)
    for (const { meta_data } of written.columns) expect('values of a column', Number(meta_data.num_values), rows)
  })
}
