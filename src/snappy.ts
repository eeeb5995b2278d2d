/**
 * The native snappy codec: raw blocks, as Parquet pages hold them and as Kafka's framing wraps them.
 */
import snappy from 'snappy'

export const { compress, compressSync, uncompress } = snappy
