/**
 * The one schema of Firn's settings: names, defaults and meaning. Reading files and the environment is in config-source.ts.
 */
import { z } from 'zod'

const seconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 }
const binary: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** `500ms`, `60s`, `5m`, `1h` → ms */
const duration = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'expected a duration such as 500ms, 60s, 5m or 1h')
  .transform((text) => Math.round(parseFloat(text) * (seconds[text.replace(/[\d.]/g, '')] ?? 1) * 1000))

/** `16MiB`, `64KiB`, `1GiB`, `100B` → bytes */
const bytes = z
  .string()
  .regex(/^\d+(\.\d+)?(B|KiB|MiB|GiB)$/, 'expected a size such as 64KiB, 128MiB or 1GiB')
  .transform((text) => Math.round(parseFloat(text) * (binary[text.replace(/[\d.]/g, '')] ?? 1)))

const hostPort = z.string().regex(/^[^:\s]+:\d{1,5}$/, 'expected host:port')

const sasl = z
  .strictObject({
    mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
    username: z.string().min(1),
    password: z.string().min(1),
  })
  .describe('login at the brokers')

const kafka = z.strictObject({
  brokers: z.array(hostPort).min(1).describe('bootstrap servers'),
  group: z.string().min(1).default('firn').describe('consumer group; its committed offsets are the commit record'),
  clientId: z.string().min(1).default('firn').describe("name in the broker's logs and quotas"),
  ssl: z.boolean().default(false).describe('TLS to the brokers; true is on where kafka.ca is set'),
  ca: z.string().optional().describe("PEM of the brokers' certificate authority (file:/path reads a file)"),
  cert: z.string().optional().describe('PEM of the client certificate'),
  key: z.string().optional().describe('PEM of the client key'),
  sasl: sasl.optional(),
})

const stage = z.strictObject({
  bucket: z.string().min(3).describe('bucket of the stage'),
  prefix: z
    .string()
    .regex(/^([^/]+\/)*$/, 'expected a prefix that ends in / and does not start with one')
    .default('firn/')
    .describe('everything that Firn writes lies under it'),
  region: z.string().min(1).default('us-east-1').describe('region of the bucket'),
  endpoint: z.url().optional().describe('for S3-compatible servers; AWS needs none'),
  accessKeyId: z.string().min(1).optional().describe('without it, the AWS credential chain decides'),
  secretAccessKey: z.string().min(1).optional(),
})

const identifier = z.string().min(1).max(255)

const warehouse = z.strictObject({
  account: z.string().min(1).describe('Snowflake account, such as xy12345.eu-west-1'),
  accessUrl: z.url().optional().describe('where the account is not under snowflakecomputing.com'),
  user: z.string().min(1),
  password: z.string().min(1).optional().describe('either this or privateKeyFile'),
  privateKeyFile: z.string().min(1).optional().describe('PKCS #8 PEM file for key-pair login'),
  privateKeyPassphrase: z.string().min(1).optional(),
  role: identifier.optional(),
  warehouse: identifier.optional().describe('runs the merge tasks; without it they are serverless'),
  database: identifier.default('CDC'),
  storageIntegration: identifier.optional().describe('lets Snowflake read the bucket; needed by firn migrate'),
  schedule: z.string().min(1).default('1 MINUTE').describe('how often the merge tasks run, as SCHEDULE of CREATE TASK'),
})

const ingest = z.strictObject({
  freshness: duration.default(60_000).describe('a batch is sealed at this age at the latest'),
  fileBytes: bytes.default(128 * 2 ** 20).describe('a batch is sealed at this size of its file'),
  fileRows: z.int().min(1).default(1_000_000).describe('a batch is sealed at this number of rows'),
  memory: bytes.default(256 * 2 ** 20).describe('all that is buffered and in flight stays under it'),
  leaveTimeout: duration.default(20_000).describe('how long a leaving process may take to flush'),
})

const status = z.strictObject({
  listen: hostPort
    .default('127.0.0.1:9464')
    .describe('where /metrics, /healthz and /readyz answer; port 0 chooses a free one'),
})

const log = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
})

const order = z.union([
  z.literal('kafka-timestamp'),
  z.strictObject({
    column: z.string().min(1).describe('column of the row that grows with each change of it'),
    width: z.int().min(1).max(200).describe('the longest that its values get, in characters'),
  }),
])

const table = z.strictObject({
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'expected the name of a Kafka topic')
    .refine((topic) => topic !== '_firn' && topic !== '.' && topic !== '..', 'this name is reserved')
    .describe('Kafka topic'),
  table: z
    .string()
    .regex(/^[^.]+\.[^.]+$/, 'expected SCHEMA.TABLE')
    .describe('target table, SCHEMA.TABLE, in warehouse.database'),
  dialect: z.enum(['plain']).default('plain').describe('format of the messages'),
  key: z.array(z.string().min(1)).min(1).describe('primary key columns, in order'),
  order: order.optional().describe("what orders the changes of one row; without it, Kafka's own order"),
  epoch: z
    .int()
    .min(1)
    .max(99_999)
    .default(1)
    .describe('raise it when the topic is re-created, the cluster replaced or order changed'),
})

/** Where each section starts: defaults of a section hold also where the section is not written. */
export const configSchema = z.strictObject({
  kafka,
  stage,
  warehouse: warehouse.optional().describe('not needed by firn run'),
  ingest: ingest.prefault({}),
  status: status.prefault({}),
  log: log.prefault({}),
  tables: z.array(table).min(1),
})

export type Config = z.output<typeof configSchema>
export type KafkaConfig = Config['kafka']
export type StageConfig = Config['stage']
export type WarehouseConfig = NonNullable<Config['warehouse']>
export type IngestConfig = Config['ingest']
export type TableConfig = Config['tables'][number]
