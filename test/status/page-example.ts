/**
 * A state of a process for the tests of the status page: all is well with one topic, unless a test says otherwise.
 */
import type { PageState, PartitionState, TopicState } from '../../src/status/page-state.ts'

export const nowMs = Date.UTC(2026, 0, 31, 12, 30, 15)

/** All that its log holds, 100 messages, is merged. */
export function partitionState(partition: number, more: Partial<PartitionState> = {}): PartitionState {
  return {
    partition,
    consumed: 100,
    staged: 100,
    loaded: 100,
    merged: [100],
    end: 100,
    lagMessages: 0,
    waits: { staged: 0, loaded: 0, merged: [0] },
    isStalled: false,
    halt: null,
    ...more,
  }
}

export function topicState(partitions: readonly PartitionState[], more: Partial<TopicState> = {}): TopicState {
  const latency = { staging: { median: 1.25, high: 3 }, encode: null, put: null }
  return { topic: 'shop.orders', tables: ['SHOP.ORDERS'], partitions, latency, ...more }
}

export function pageState(more: Partial<PageState> = {}): PageState {
  const topics = more.topics ?? [topicState([partitionState(0), partitionState(1)])]
  return {
    nowMs,
    group: 'firn',
    stage: 's3://cdc/firn/',
    joined: true,
    kafkaTrouble: null,
    proved: true,
    stageTrouble: null,
    assigned: topics.flatMap(({ partitions }) => partitions).length,
    topics,
    halts: [],
    files: [],
    rejects: [],
    memory: { used: 64 * 2 ** 20, budget: 256 * 2 ** 20 },
    warehouse: { trouble: null, findings: [], findingsCount: 0, askedAt: nowMs - 5_000 },
    ...more,
  }
}
