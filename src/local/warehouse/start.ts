/**
 * Puts the development warehouse together: the engine over one folder, and the protocol server in front of it.
 * What the parts do is theirs; the stack decides where they listen and what an administrator has made beforehand.
 */
import type { Knobs } from './pipes.ts'

export type WarehouseUser = {
  readonly name: string
  /** null: no login with a password */
  readonly password: string | null
  /** PEM of the public key; null: no key-pair login */
  readonly publicKeyFile: string | null
}

/** What `firn local warehouse --options FILE` reads, as JSON. */
export type WarehouseOptions = {
  /** holds the database file and what is being loaded; made where it is not there */
  readonly dir: string
  /** 0: a free one */
  readonly port: number
  readonly users: readonly WarehouseUser[]
  /** the S3 server behind every `s3://` URL */
  readonly s3: {
    readonly endpoint: string
    readonly region: string
    readonly accessKeyId: string
    readonly secretAccessKey: string
  }
  /** Kafka topic of the S3 server's notifications; null: pipes learn of files through ALTER PIPE ... REFRESH alone */
  readonly events: { readonly brokers: readonly string[]; readonly topic: string } | null
  /** names as Snowflake keeps them: upper case */
  readonly storageIntegrations: readonly string[]
  readonly warehouses: readonly string[]
  readonly roles: readonly string[]
  readonly knobs?: Partial<Knobs>
}
