/**
 * The failure table: every way in which Firn fails, what it does then, and what the operator can do.
 * Vendor errors are mapped to these at the vendor's one home, with the cause kept. Exit codes belong to main.ts.
 */

/** What follows: try again, land as a reject row, stop the partition, or end the command (`fatal`). */
export type Response = 'retry' | 'reject' | 'halt' | 'fatal'

type Entry = { readonly response: Response; readonly hint: string }

export const failures = {
  // Messages that cannot become a change: their bytes land as a reject row.
  NOT_UTF8: {
    response: 'reject',
    hint: 'The message value is not UTF-8. Its bytes are in the column raw of the reject.',
  },
  NOT_JSON: {
    response: 'reject',
    hint: 'The message value is not valid JSON. Its bytes are in the column raw of the reject.',
  },
  NOT_AN_ENVELOPE: {
    response: 'reject',
    hint: 'The message is JSON, but not in the shape that the dialect expects. Check tables[].dialect.',
  },
  OPERATION_MISSING: { response: 'reject', hint: 'The message has no member "operation". Check tables[].dialect.' },
  OPERATION_UNKNOWN: { response: 'reject', hint: 'The member "operation" is none of INSERT, UPDATE, DELETE.' },
  ROW_MISSING: {
    response: 'reject',
    hint: 'The row that the operation needs (after, or before for a delete) is missing or null.',
  },
  KEY_MISSING: {
    response: 'reject',
    hint: 'A key column is missing or null. Check tables[].key against the columns of the source.',
  },
  ORDER_INVALID: {
    response: 'reject',
    hint: 'The order column is missing, negative or wider than stated. Check tables[].order.',
  },
  VALUE_TOO_LARGE: {
    response: 'reject',
    hint: 'The message value is larger than ingest.maxValueBytes. Its bytes lie on the stage in an object of their own, which the reject names.',
  },

  // A partition that must not go on by itself.
  UNORDERED: {
    response: 'halt',
    hint: 'Kafka orders only the messages of one partition, and this change may have a neighbour in another. Name tables[].order and raise tables[].epoch, which reads the topic from its earliest message.',
  },
  RETENTION_LOSS: {
    response: 'halt',
    hint: 'Kafka has deleted messages that were not staged yet. Reload their rows from the source, and record that these offsets are lost.',
  },
  OFFSET_BEYOND_LOG: {
    response: 'halt',
    hint: 'The partition ends before the offset that was staged: the topic was created anew or is another one. Raise tables[].epoch to read it from its beginning.',
  },
  LOG_REPLACED: {
    response: 'halt',
    hint: 'This is not the log that was staged so far: the topic was created anew, or another cluster answers. Check kafka.brokers; if it is meant to be so, raise tables[].epoch to read it from its beginning.',
  },
  OFFSETS_SKIPPED: {
    response: 'halt',
    hint: "The committed offset was moved past messages that are not staged, and not by Firn. Put it back with Kafka's own tool (stop Firn, kafka-consumer-groups --reset-offsets), or delete it (--delete-offsets), and Firn goes by the stage; or record that these offsets are given up.",
  },
  SETTINGS_CHANGED: {
    response: 'halt',
    hint: 'What a table says of dialect, key and order holds for a whole epoch, and epochs only rise. Put the setting back, or raise tables[].epoch, which reads the topic from its earliest message; a new key needs a rebuilt target table too.',
  },
  EPOCH_RECORD_INVALID: {
    response: 'halt',
    hint: 'The object that says what this epoch means cannot be read. Restore it from a version of the bucket, or raise tables[].epoch.',
  },
  RECORD_UNREADABLE: {
    response: 'halt',
    hint: 'What the broker sends of this record batch is damaged, again and again. Move the leadership to a sound replica or restore it, or record that these offsets are lost.',
  },
  ENCODE_FAILED: {
    response: 'halt',
    hint: 'A batch could not be written as a valid Parquet file. Nothing was staged; report this with the log line.',
  },
  TEXT_TOO_LONG: {
    response: 'halt',
    hint: 'A text of this message is longer than the 128 MiB that a Snowflake column takes; staged, its whole file would be skipped. Lower max.message.bytes of the topic, and record that this message is given up.',
  },
  NAME_TAKEN: {
    response: 'halt',
    hint: 'Another object already has the name of this landing file. Make sure that no other Firn writes to the same stage.prefix.',
  },

  // Something outside is not there.
  KAFKA_UNREACHABLE: {
    response: 'retry',
    hint: 'No broker answers. Check kafka.brokers, and that this host may reach them.',
  },
  KAFKA_DENIED: {
    response: 'fatal',
    hint: 'Kafka refuses the login, or one side the certificate of the other. Check kafka.sasl, kafka.ssl, ca, cert and key; what file: and ${NAME} stand for is read when the process starts.',
  },
  KAFKA_FORBIDDEN: {
    response: 'fatal',
    hint: 'The Kafka user lacks a right. It needs READ and DESCRIBE on the topics and READ on the group.',
  },
  TOKEN_DENIED: {
    response: 'fatal',
    hint: 'The token endpoint gives no token for Kafka to this client. Check kafka.sasl.tokenUrl, clientId, clientSecret and scope.',
  },
  TOKEN_UNAVAILABLE: {
    response: 'retry',
    hint: 'There is no token to log in at Kafka with. Check that this host reaches kafka.sasl.tokenUrl, or what writes kafka.sasl.tokenFile, or with aws-msk-iam what the AWS credential chain finds: a role of the pod or the host, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
  },
  LEADER_MISSING: {
    response: 'retry',
    hint: 'Kafka has no leader for these partitions; the others go on. Bring the brokers that hold their replicas back.',
  },
  TOPIC_MISSING: { response: 'retry', hint: 'The topic does not exist. Check tables[].topic, or create it.' },
  KAFKA_FAILED: { response: 'retry', hint: 'Kafka answered with an error that Firn does not know. See the cause.' },
  STAGE_UNREACHABLE: {
    response: 'retry',
    hint: 'The object store does not answer. Check stage.endpoint and stage.region.',
  },
  STAGE_DENIED: {
    response: 'retry',
    hint: 'The object store refuses the credentials or the right, or there are no credentials. Set stage.accessKeyId and its secret, or the AWS credential chain. Firn needs s3:PutObject, s3:GetObject and s3:ListBucket on stage.bucket, with a KMS key kms:GenerateDataKey and kms:Decrypt on it; and the bucket must be of the account stage.expectedBucketOwner, where that is set.',
  },
  BUCKET_MISSING: { response: 'retry', hint: 'The bucket does not exist. Check stage.bucket.' },
  STAGE_UNSAFE: {
    response: 'fatal',
    hint: 'The object store ignores If-None-Match, so two writers could overwrite each other. Use one that honours it.',
  },
  STAGE_FAILED: { response: 'retry', hint: 'The object store answered with an error. See the cause.' },
  WAREHOUSE_UNREACHABLE: {
    response: 'retry',
    hint: 'Snowflake does not answer. Check warehouse.account (or warehouse.accessUrl).',
  },
  WAREHOUSE_DENIED: {
    response: 'fatal',
    hint: 'Snowflake refuses the login. Check warehouse.user and its password or key, and warehouse.role.',
  },
  STATEMENT_FAILED: {
    response: 'fatal',
    hint: 'Snowflake refused a statement. See the message; nothing after it was run.',
  },
  RIGHT_MISSING: {
    response: 'fatal',
    hint: 'The object is not there (then: firn migrate), or warehouse.role lacks a right on it. Where another role is meant for this (FIRN_OWNER migrates; FIRN_OPERATOR backfills, repairs, traces, sees to rejects and audits --deep), run with it: FIRN_WAREHOUSE_ROLE. Else its owner gives the right.',
  },
  MIGRATION_CHANGED: {
    response: 'fatal',
    hint: 'A script that was applied before has changed since. Put its text or the setting back, and write the change as a new script.',
  },
  FOLDER_TAKEN: {
    response: 'fatal',
    hint: 'Whoever applies the folder would apply those scripts too. Remove them, or render into an empty folder.',
  },
  SCRIPT_INVALID: {
    response: 'fatal',
    hint: 'A script under sql/ cannot be used. Put its text back to what this Firn was shipped with.',
  },
  MIGRATION_MISSING: {
    response: 'fatal',
    hint: 'The schema is not there yet, is older than this Firn, or this role may not see FIRN.MIGRATIONS. Run: firn migrate',
  },
  STACK_PART_FAILED: {
    response: 'fatal',
    hint: 'A part of the development stack did not start. The end of its log is above.',
  },
  STACK_PART_MISSING: {
    response: 'fatal',
    hint: 'A part of the development stack is not installed. Run: make stack-parts',
  },

  RUN_HELD: {
    response: 'fatal',
    hint: 'Two at once would store the same changes twice. Wait until the other process has ended; where it was killed on another host, its hold ends by itself within two minutes.',
  },
  RUN_INTERRUPTED: {
    response: 'fatal',
    hint: 'What was stored stays, and the same run goes on where it stopped.',
  },
  RUN_RECORD_INVALID: {
    response: 'fatal',
    hint: 'The object that says what the run is cannot be read. Restore it from a version of the bucket, or begin a run of another name.',
  },
  RANGE_GONE: {
    response: 'fatal',
    hint: 'Kafka has deleted them since the run began. What the run stored stays; take the rest from the stage, in a run of another name (--from stage), where it was staged before.',
  },
  RANGE_BELOW_FLOOR: {
    response: 'fatal',
    hint: 'Below the floor nobody remembers which rows were deleted. Choose a range that lies above it, or one that runs to the end of what was merged, deletes included.',
  },
  LINE_INVALID: {
    response: 'fatal',
    hint: 'A line is one JSON object: {"key": text, object or null, "value": the message, as an object or as its text, or null, "timestamp": ms since 1970 or ISO 8601, "headers": {"name": "text"}}; value is needed. Nothing was stored.',
  },

  STUCK: {
    response: 'fatal',
    hint: 'Kafka has messages, nothing was read for ingest.stuckAfter, and nothing is known that it waits for. The process ends so that a new one takes over; report this with the log.',
  },
  LISTEN_FAILED: {
    response: 'fatal',
    hint: 'The status server cannot listen there. Check status.listen; port 0 chooses a free one.',
  },

  DEMO_STUCK: {
    response: 'fatal',
    hint: 'Look at ingester.log and logs/ in the folder of the demo, .firn/demo; the next demo empties it.',
  },

  // The user's own words.
  INTERRUPTED: { response: 'fatal', hint: 'Run it again to start over.' },
  USAGE: { response: 'fatal', hint: 'See: firn --help, and --help of each command.' },
  CONFIG_INVALID: { response: 'fatal', hint: 'Mend the lines above; firn check --help lists every setting.' },
  UNKNOWN: { response: 'halt', hint: 'Firn does not know this error; it stops rather than guess. See the cause.' },
} as const satisfies Record<string, Entry>

export type FailureCode = keyof typeof failures

export type FailureOptions = {
  /** the vendor's error */
  readonly cause?: unknown
  /** the command that resolves it, ready to be run */
  readonly command?: string
}

/** An error of Firn's own: a code of the table, what was tried and on what, and the vendor's error as `cause`. */
export class Failure extends Error {
  readonly code: FailureCode
  readonly command: string | null
  override readonly name = 'Failure'

  constructor(code: FailureCode, message: string, { cause, command }: FailureOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.command = command ?? null
  }

  get response(): Response {
    return failures[this.code].response
  }

  get hint(): string {
    return hintOf(this.code, this.command)
  }
}

/** What the operator can do, with the command where there is one. */
export function hintOf(code: FailureCode, command: string | null): string {
  const { hint } = failures[code]
  return command === null ? hint : `${hint} Run: ${command}`
}

/** Gives up offsets, once somebody has decided so; `discards` where Kafka still has their messages. */
export function ackGapCommand(topic: string, partition: number, offsets: string, discards: boolean): string {
  return `firn ack-gap --topic ${topic} --partition ${partition} --offsets ${offsets}${discards ? ' --discard' : ''}`
}

/** Any thrown value as a Failure; what is not one yet becomes UNKNOWN. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('UNKNOWN', error instanceof Error ? error.message : String(error), { cause: error })
}
