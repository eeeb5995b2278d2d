/**
 * What the partitions of a process need of the group membership behind them. Held by session.ts.
 */
import type { TableConfig } from '../config.ts'
import type { Failure } from '../failure.ts'
import type { LogEntry } from '../kafka/log-reader.ts'
import type { Starts } from './assignment.ts'

/** All that is not a promise takes effect before it returns. */
export interface Membership {
  pause(topic: string, partition: number): void
  resume(topic: string, partition: number): void
  /** The next fetch begins at `offset`. */
  seek(topic: string, partition: number, offset: bigint): void
  /** @throws Failure of Kafka or the stage */
  findStarts(table: TableConfig, partitions: readonly number[]): Promise<Starts>
  /** What the log has at `offset`. @throws Failure of Kafka */
  entryAt(topic: string, partition: number, offset: bigint): Promise<LogEntry>
  /** Whether what Kafka has at `offset` is sound. @throws Failure of Kafka */
  isReadable(topic: string, partition: number, offset: bigint): Promise<boolean>
  /** Ends the session: no partition can go on. */
  fail(failure: Failure): void
}
