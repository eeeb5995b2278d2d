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

  // A partition that must not go on by itself.
  UNORDERED: {
    response: 'halt',
    hint: 'Kafka orders only the messages of one partition, and this change may have a neighbour in another. Name tables[].order and raise tables[].epoch.',
  },
  RETENTION_LOSS: {
    response: 'halt',
    hint: 'Kafka has deleted messages that were not staged yet. Reload the table from its source under a raised tables[].epoch.',
  },
  OFFSET_BEYOND_LOG: {
    response: 'halt',
    hint: 'The partition ends before the offset that was staged: the topic was created anew or is another one. Raise tables[].epoch to read it from its beginning.',
  },
  ENCODE_FAILED: {
    response: 'halt',
    hint: 'A batch could not be written as a valid Parquet file. Nothing was staged; report this with the log line.',
  },
  TEXT_TOO_LONG: {
    response: 'halt',
    hint: 'A text of this message is longer than the 128 MiB that a Snowflake column takes; staged, its whole file would be skipped. Lower max.message.bytes of the topic.',
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
  KAFKA_DENIED: { response: 'fatal', hint: 'Kafka refuses the login. Check kafka.sasl and kafka.ssl.' },
  KAFKA_FORBIDDEN: {
    response: 'fatal',
    hint: 'The Kafka user lacks a right. It needs READ and DESCRIBE on the topics and READ on the group.',
  },
  TOPIC_MISSING: { response: 'retry', hint: 'The topic does not exist. Check tables[].topic, or create it.' },
  KAFKA_FAILED: { response: 'retry', hint: 'Kafka answered with an error that Firn does not know. See the cause.' },
  STAGE_UNREACHABLE: {
    response: 'retry',
    hint: 'The object store does not answer. Check stage.endpoint and stage.region.',
  },
  STAGE_DENIED: {
    response: 'retry',
    hint: 'The object store refuses the credentials or the right, or there are no credentials. Set stage.accessKeyId and its secret, or the AWS credential chain. Firn needs s3:PutObject, s3:GetObject and s3:ListBucket on stage.bucket.',
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
  MIGRATION_CHANGED: {
    response: 'fatal',
    hint: 'A script that was applied before has changed since. Put its text or the setting back, and write the change as a new script.',
  },
  SCRIPT_INVALID: {
    response: 'fatal',
    hint: 'A script under sql/ cannot be used. Put its text back to what this Firn was shipped with.',
  },
  MIGRATION_MISSING: {
    response: 'fatal',
    hint: 'The schema is not there yet, or is older than this Firn. Run: firn migrate',
  },
  STACK_PART_FAILED: {
    response: 'fatal',
    hint: 'A part of the development stack did not start. The end of its log is above.',
  },
  STACK_PART_MISSING: {
    response: 'fatal',
    hint: 'A part of the development stack is not installed. Run: make stack-parts',
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
  USAGE: { response: 'fatal', hint: 'See: firn --help' },
  CONFIG_INVALID: { response: 'fatal', hint: 'Mend the lines above; firn check --help lists every setting.' },
  UNKNOWN: { response: 'halt', hint: 'Firn does not know this error; it stops rather than guess. See the cause.' },
} as const satisfies Record<string, Entry>

export type FailureCode = keyof typeof failures

/** An error of Firn's own: a code of the table, what was tried and on what, and the vendor's error as `cause`. */
export class Failure extends Error {
  readonly code: FailureCode
  override readonly name = 'Failure'

  constructor(code: FailureCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }

  get response(): Response {
    return failures[this.code].response
  }

  get hint(): string {
    return failures[this.code].hint
  }
}

/** Any thrown value as a Failure; what is not one yet becomes UNKNOWN. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  return new Failure('UNKNOWN', error instanceof Error ? error.message : String(error), { cause: error })
}
