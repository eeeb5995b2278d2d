/** The small part of parquetjs-lite 0.8.7 that parquet.ts uses. Its entry point has no named exports that Node can see. */
declare module 'parquetjs-lite' {
  type Field = {
    readonly type: 'UTF8' | 'INT32' | 'INT64'
    readonly optional: boolean
    readonly compression: 'SNAPPY'
    readonly statistics: false
  }

  type ParquetSchema = { readonly fieldList: readonly unknown[] }

  export type ParquetEnvelopeWriter = {
    /** bytes written so far */
    readonly offset: number
    /** of what is written so far, as the footer will have them */
    readonly rowGroups: object[]
    rowCount: number
    writeHeader(): void
    writeSection(bytes: Uint8Array): void
    writeFooter(metadata: Readonly<Record<string, string>>): void
  }

  /** A number, or node-int64's object, which Number() turns into one. */
  type Int64 = number | { valueOf(): number }

  type ParquetEnvelopeReader = {
    readHeader(): Promise<void>
    readFooter(): Promise<{
      readonly num_rows: Int64
      readonly row_groups: readonly {
        readonly num_rows: Int64
        readonly columns: readonly { readonly meta_data: { readonly num_values: Int64 } }[]
      }[]
    }>
  }

  type ParquetReader = {
    getCursor(columns: readonly (readonly string[])[]): {
      /** Null behind the last one. A column is missing from a record where it is null. */
      nextRowGroup(): Promise<readonly Readonly<Record<string, unknown>>[] | null>
    }
  }

  const parquet: {
    readonly ParquetSchema: new (fields: Readonly<Record<string, Field>>) => ParquetSchema
    readonly ParquetEnvelopeWriter: new (
      schema: ParquetSchema,
      write: (bytes: Uint8Array) => void,
      close: () => void,
      offset: number,
      options: { readonly useDataPageV2: false; readonly pageIndex: false },
    ) => ParquetEnvelopeWriter
    readonly ParquetReader: { openBuffer(file: Uint8Array): Promise<ParquetReader> }
    readonly ParquetEnvelopeReader: { openBuffer(file: Uint8Array): Promise<ParquetEnvelopeReader> }
  }
  export default parquet
}

declare module 'parquetjs-lite/gen-nodejs/parquet_types.js' {
  type DataPageHeader = {
    num_values: number
    encoding: number
    definition_level_encoding: number
    repetition_level_encoding: number
  }

  type PageHeader = {
    type: number
    uncompressed_page_size: number
    compressed_page_size: number
    data_page_header: DataPageHeader
  }

  type ColumnMetaData = {
    type: number
    encodings: readonly number[]
    path_in_schema: readonly string[]
    codec: number
    num_values: number
    total_uncompressed_size: number
    total_compressed_size: number
    data_page_offset: number
  }

  type ColumnChunk = { file_offset: number; meta_data: ColumnMetaData }

  type RowGroup = { columns: readonly ColumnChunk[]; num_rows: number; total_byte_size: number }

  const thrift: {
    readonly PageHeader: new () => PageHeader
    readonly DataPageHeader: new () => DataPageHeader
    readonly ColumnMetaData: new () => ColumnMetaData
    readonly ColumnChunk: new () => ColumnChunk
    readonly RowGroup: new () => RowGroup
    readonly PageType: { readonly DATA_PAGE: number }
    readonly Encoding: { readonly PLAIN: number; readonly RLE: number }
    readonly Type: { readonly BYTE_ARRAY: number; readonly INT32: number; readonly INT64: number }
    readonly CompressionCodec: { readonly SNAPPY: number; readonly GZIP: number; readonly ZSTD: number }
  }
  export default thrift
}

declare module 'parquetjs-lite/lib/util.js' {
  const parquetjs: { serializeThrift(value: object): Buffer }
  export default parquetjs
}

declare module 'parquetjs-lite/lib/compression.js' {
  const compression: {
    readonly PARQUET_COMPRESSION_METHODS: Record<string, { readonly inflate: (compressed: Buffer) => Buffer }>
  }
  export default compression
}
