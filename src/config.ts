/**
 * The one schema of Firn's settings: names, defaults, meaning, and which of them are secrets. Reading files and the environment
 * is in config-source.ts, what is said of a wrong setting in config-issues.ts.
 */
import { z } from 'zod'
import { schemaIssues } from './config-issues.ts'

const seconds: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3600 }
const binary: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 }

/** `500ms`, `60s`, `5m`, `1h` → ms */
const duration = z
  .string('expected a duration such as 500ms, 60s, 5m or 1h')
  .regex(/^\d+(\.\d+)?(ms|s|m|h)$/, 'expected a duration such as 500ms, 60s, 5m or 1h')
  .transform((text) => Math.round(parseFloat(text) * (seconds[text.replace(/[\d.]/g, '')] ?? 1) * 1000))
  // A timer of more than 2^31 - 1 ms, 24.8 days, goes off at once.
  .refine((ms) => ms < 2 ** 31, 'expected at most 596h')

/** A duration as settings have it, in ms; null where the text is none. */
export function durationMs(text: string): number | null {
  const { success, data } = duration.safeParse(text)
  return success ? data : null
}

/** `16MiB`, `64KiB`, `1GiB`, `100B` → bytes */
const bytes = z
  .string('expected a size such as 64KiB, 128MiB or 1GiB')
  .regex(/^\d+(\.\d+)?(B|KiB|MiB|GiB)$/, 'expected a size such as 64KiB, 128MiB or 1GiB')
  .transform((text) => Math.round(parseFloat(text) * (binary[text.replace(/[\d.]/g, '')] ?? 1)))

const hostPort = z
  .string()
  .regex(/^[^:\s]+:\d{1,5}$/, { error: 'expected host:port', abort: true })
  .refine((text) => Number(text.slice(text.indexOf(':') + 1)) < 65_536, 'expected a port up to 65535')

const httpUrl = z
  .url({ protocol: /^https?$/, error: 'expected a URL such as https://host/path' })
  // URLs are told in logs and errors.
  .refine(
    (text) => !URL.canParse(text) || `${new URL(text).username}${new URL(text).password}` === '',
    'expected a URL without user and password',
  )

/** Never told anywhere, and in the Helm chart a reference alone. Whoever adds a secret writes it so. */
const secret = (meaning: string) => z.string().min(1).meta({ description: meaning, secret: true })

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer', 'aws-msk-iam'] as const
const mechanism = `how to log in: ${mechanisms.slice(0, -1).join(', ')} or ${mechanisms.at(-1) ?? ''}`

const sasl = z
  .discriminatedUnion('mechanism', [
    z.strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']).describe(mechanism),
      username: z.string().min(1).describe('user at the brokers, with plain and scram'),
      password: secret("that user's password"),
    }),
    z.strictObject({
      mechanism: z.literal('oauthbearer').describe(mechanism),
      tokenUrl: httpUrl
        .optional()
        .describe('with oauthbearer: OpenID Connect token endpoint; either this or tokenFile'),
      clientId: z.string().min(1).optional().describe('goes with tokenUrl'),
      clientSecret: secret('goes with tokenUrl').optional(),
      scope: z.string().min(1).optional().describe('what is asked for at tokenUrl, where it wants to be told'),
      tokenFile: z
        .string()
        .min(1)
        .optional()
        .describe('with oauthbearer: holds a token that something else renews; read at each login'),
    }),
    z.strictObject({
      mechanism: z.literal('aws-msk-iam').describe(mechanism),
      region: z
        .string()
        .min(1)
        .describe('with aws-msk-iam: region of the cluster; who logs in, the AWS credential chain decides'),
    }),
  ])
  .describe('login at the brokers')

const kafka = z.strictObject({
  brokers: z.array(hostPort).min(1).describe('bootstrap servers'),
  group: z.string().min(1).default('firn').describe('consumer group; its committed offsets are the commit record'),
  clientId: z.string().min(1).default('firn').describe("name in the broker's logs and quotas"),
  ssl: z.boolean().default(false).describe('TLS to the brokers; true is on where kafka.ca is set'),
  ca: z.string().optional().describe("PEM of the brokers' certificate authority (file:/path reads a file)"),
  cert: z.string().optional().describe('PEM of the client certificate'),
  key: secret('PEM of the client key').optional(),
  sasl: sasl.optional(),
})

const stage = z.strictObject({
  bucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of an S3 bucket')
    .describe('bucket of the stage'),
  prefix: z
    .string()
    .regex(
      /^([A-Za-z0-9!_.*()=+-]+\/)*$/,
      'expected a prefix such as firn/: ends in /, starts with none, no spaces or quotes',
    )
    .default('firn/')
    .describe('everything that Firn writes lies under it'),
  region: z.string().min(1).default('us-east-1').describe('region of the bucket'),
  endpoint: httpUrl.optional().describe('for S3-compatible servers; AWS needs none'),
  accessKeyId: z.string().min(1).optional().describe('without it, the AWS credential chain decides'),
  secretAccessKey: secret('goes with accessKeyId').optional(),
  encryption: z
    .enum(['AES256', 'aws:kms'])
    .optional()
    .describe("asked for with every object, AES256 or aws:kms; without it, the bucket's own default"),
  kmsKeyId: z.string().min(1).optional().describe("key of aws:kms, as id, alias or ARN; without it, AWS's key for S3"),
  expectedBucketOwner: z
    .string()
    .regex(/^\d{12}$/, 'expected the 12 digits of an AWS account, in quotes')
    .optional()
    .describe('AWS account of the bucket; the store refuses every request where it is of another one'),
})

/** As written: `CDC` and `cdc` are two names. What would end a literal or a `$$` body in the scripts is refused. */
const identifier = z
  .string()
  .regex(/^(?!.*\$\$)[^'"\\.\p{Cc}]{1,255}$/u, 'expected a name without quotes, dots, backslashes or $$')

const warehouse = z.strictObject({
  account: z.string().min(1).describe('Snowflake account, such as xy12345.eu-west-1'),
  accessUrl: httpUrl.optional().describe('where the account is not under snowflakecomputing.com'),
  user: z.string().min(1).describe('Snowflake user'),
  password: secret('either this or privateKeyFile').optional(),
  privateKeyFile: z.string().min(1).optional().describe('PKCS #8 PEM file for key-pair login'),
  privateKeyPassphrase: secret('where the key file is encrypted').optional(),
  role: identifier.optional().describe("without it, the user's default role"),
  warehouse: identifier.optional().describe('runs the merge tasks; without it they are serverless'),
  database: identifier.default('CDC').describe('holds the schema FIRN and the target tables'),
  rolePrefix: identifier
    .refine((prefix) => prefix.length <= 240, 'expected at most 240 characters')
    .default('FIRN')
    .describe('the four roles are named after it: FIRN_OWNER, FIRN_INGEST, FIRN_OPERATOR, FIRN_READER'),
  storageIntegration: identifier.optional().describe('lets Snowflake read the bucket; needed by firn migrate'),
  awsRoleArn: z
    .string()
    .regex(/^arn:[a-z-]+:iam::\d{12}:role\/[A-Za-z0-9+=,.@_/-]+$/, 'expected arn:aws:iam::<account>:role/<name>')
    .optional()
    .describe('IAM role as which Snowflake reads the bucket; without it, storageIntegration is taken to be there'),
  schedule: z
    .string()
    .regex(
      /^(\d+ (SECOND|MINUTE|HOUR)S?|USING CRON [A-Za-z0-9*,/_ -]+|triggered)$/,
      "expected '10 SECONDS', '1 MINUTE', 'USING CRON ...' or triggered",
    )
    .refine((text) => !/^\d SECONDS?$/.test(text) && !text.startsWith('0'), 'expected at least 10 SECONDS')
    .default('1 MINUTE')
    .describe('how often the merge tasks run, as SCHEDULE of CREATE TASK; triggered: whenever rows have landed'),
  landingDays: z
    .int()
    .min(1)
    .max(3_650)
    .default(30)
    .describe('merged landing rows are pruned after so many days; the history view reaches back as far'),
})

const ingest = z.strictObject({
  freshness: duration
    .prefault('60s')
    .describe(
      'at this age a change is on the stage, where the store keeps up: its batch is sealed as late as that allows',
    ),
  fileBytes: bytes.prefault('64MiB').describe('a batch is sealed at this size of its file'),
  fileRows: z.int().min(1).default(1_000_000).describe('a batch is sealed at this number of rows'),
  compression: z
    .enum(['zstd', 'snappy', 'gzip'])
    .default('zstd')
    .describe('of the pages of landing files: zstd makes them 40 % smaller than snappy does, at a little more CPU'),
  memory: bytes
    .prefault('128MiB')
    .describe('all that is buffered and in flight stays under it, but for a single message of more than 2 MiB'),
  sessionTimeout: duration
    .prefault('30s')
    .describe('after this silence the group gives the partitions of a process to others (6 s is what brokers allow)'),
  maxValueBytes: bytes
    // As base64 it grows by a third, and a column takes 128 MiB.
    .refine((size) => size <= 96 * 2 ** 20, 'expected at most 96MiB')
    .prefault('16MiB')
    .describe('a message value above it is a reject, its bytes in an object of their own'),
  stuckAfter: duration
    .prefault('5m')
    .describe('the process ends when it lags and has read nothing for so long, and nothing is known that it waits for'),
  leaveTimeout: duration.prefault('20s').describe('how long a leaving process may take to flush'),
})

const audit = z.strictObject({
  every: duration
    .prefault('5m')
    .describe('how often a running service asks Snowflake what became of its files; needs the section warehouse'),
  patience: duration
    .prefault('15m')
    .describe('what was staged or loaded less long ago may still be on its way; older, it is a finding'),
})

const status = z.strictObject({
  listen: hostPort
    .default('127.0.0.1:9464')
    .describe('where /metrics, /healthz and /readyz answer; port 0 chooses a free one'),
})

const log = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('least grave line that is written'),
})

const order = z.union(
  [
    z.literal('kafka-timestamp'),
    z.strictObject({
      column: z.string().min(1).describe('column of the row that grows with each change of it'),
      width: z.int().min(1).max(200).describe('the longest that its values get, in characters'),
    }),
  ],
  'expected kafka-timestamp, or column and width',
)

const startText = 'expected earliest, latest or a time such as 2026-01-31T00:00:00Z'

const table = z.strictObject({
  topic: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,249}$/, 'expected the name of a Kafka topic')
    .refine((topic) => topic !== '_firn' && topic !== '.' && topic !== '..', 'this name is reserved')
    .describe('Kafka topic'),
  table: z
    .string()
    .regex(/^(?!.*\$\$)[^.'"\\\p{Cc}]+\.[^.'"\\\p{Cc}]+$/u, 'expected SCHEMA.TABLE, without quotes, backslashes or $$')
    .describe('target table, SCHEMA.TABLE as written, in warehouse.database'),
  dialect: z.enum(['plain']).default('plain').describe('format of the messages: plain'),
  key: z.array(z.string().min(1)).min(1).describe('primary key columns, in order'),
  order: order
    .optional()
    .describe(
      "what orders the changes of one row: kafka-timestamp, or column and width; without it, Kafka's own order",
    ),
  deletes: z
    .enum(['hard', 'soft'])
    .default('hard')
    .describe('hard: a deleted row leaves the target table; soft: it stays there, and _DELETED is true'),
  data: z
    .enum(['message', 'row'])
    .default('message')
    .describe('what DATA holds: message, the change (operation, before, after), or row, the row after it'),
  start: z
    .union([z.enum(['earliest', 'latest']), z.iso.datetime({ offset: true, error: startText })], startText)
    .default('earliest')
    .describe(
      'where the first epoch of a topic begins: earliest, latest, or a time; later ones begin at the earliest message',
    ),
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
  /** not needed by firn run */
  warehouse: warehouse.optional(),
  ingest: ingest.prefault({}),
  audit: audit.prefault({}),
  status: status.prefault({}),
  log: log.prefault({}),
  tables: z.array(table).min(1).describe('what is copied to where'),
})

export type Config = z.output<typeof configSchema>
export type KafkaConfig = Config['kafka']
export type SaslConfig = NonNullable<KafkaConfig['sasl']>
export type StageConfig = Config['stage']
export type WarehouseConfig = NonNullable<Config['warehouse']>
export type IngestConfig = Config['ingest']
export type TableConfig = Config['tables'][number]

/** From the root to one setting; numbers are places in a list. */
export type SettingPath = readonly (string | number)[]

/** One thing that is wrong: `unknown` for a key that the schema does not have, which is then the path's last part. */
export type SchemaIssue = {
  readonly kind: 'unknown' | 'missing' | 'wrong'
  readonly path: SettingPath
  readonly text: string
}

export type SchemaProblem = z.core.$ZodIssue

/** Checks what was read and fills in the defaults: the settings, or everything that is wrong with them. */
export function checkSchema(
  raw: unknown,
): { readonly config: Config } | { readonly issues: readonly [SchemaIssue, ...SchemaIssue[]] } {
  const result = configSchema.safeParse(raw, { reportInput: true })
  if (result.success) return { config: result.data }
  const [first, ...rest] = result.error.issues.flatMap((issue) => schemaIssues(issue, []))
  return { issues: [first ?? { kind: 'wrong', path: [], text: result.error.message }, ...rest] }
}

/** The part of JSON Schema that describes the settings. */
export type SchemaNode = {
  readonly type?: string
  readonly description?: string
  readonly secret?: boolean
  /** `{}` where a section has defaults of its own */
  readonly default?: string | number | boolean | object
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly required?: readonly string[]
  readonly items?: SchemaNode
  readonly anyOf?: readonly SchemaNode[]
  /** Sections of which one is written; its first setting tells which. */
  readonly oneOf?: readonly SchemaNode[]
}

/** The schema as data, for help and for reading the environment. */
export function schemaTree(): SchemaNode {
  return z.toJSONSchema(configSchema, { io: 'input' }) as SchemaNode
}
