/**
 * The native snappy codec: raw blocks, as Parquet pages hold them and as Kafka's framing wraps them.
 */
import snappy from 'snappy'

export const { compress, uncompress } = snappy

/** Copied into Node's own memory: a buffer that the codec owns costs three times the compression (162 against 539 MB/s). */
export function compressSync(bytes: Uint8Array): Buffer {
  return snappy.compressSync(bytes, { copyOutputData: true })
}
