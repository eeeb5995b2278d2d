/**
 * When each alert of the ingester must fire, and when it must not; those of the warehouse are in warehouse-cases.ts.
 */
import type { Cases, Fires } from './unit-tests.ts'

const target = { job: 'firn', namespace: 'cdc' }
const place = { ...target, topic: 'shop.orders', partition: '3' }

export const labelled = (name: string, labels: Readonly<Record<string, string>>): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`

/** Told by the process on `instance`. */
const of = (name: string, labels: Readonly<Record<string, string>>, instance = 'a'): string =>
  labelled(name, { ...labels, instance })

const halted = of('firn_halted', { ...place, code: 'UNORDERED' })
const haltedElsewhere = of('firn_halted', { ...place, code: 'UNORDERED' }, 'b')
const [lag, consumed] = [of('firn_lag_messages', place), of('firn_consumed_offset', place)]
const [lagElsewhere, consumedElsewhere] = [of('firn_lag_messages', place, 'b'), of('firn_consumed_offset', place, 'b')]
const stagedLag = of('firn_staged_lag_seconds', place)
const rejects = of('firn_rejects_total', { ...target, topic: 'shop.orders', code: 'NOT_JSON' })
const buffered = of('firn_buffered_bytes', target)
const budget = of('firn_memory_budget_bytes', target)
const stage = of('firn_stage_reachable', target)
const kafka = of('firn_kafka_connected', target)
const assigned = of('firn_assigned_partitions', target)
const assignedElsewhere = of('firn_assigned_partitions', target, 'b')

const process: Fires = { labels: { ...target, instance: 'a' } }
const isHalted: Fires = { labels: { ...place, code: 'UNORDERED' } }
const stands: Fires = { labels: place, value: '5' }
const rejected = { ...target, topic: 'shop.orders', code: 'NOT_JSON' }

export const ingestCases: Cases = {
  FirnPartitionHalted: [
    { what: 'a halt that lasts', series: { [halted]: '_x5 1x20' }, at: 10, fires: isHalted },
    {
      what: 'a halt that moves to another process',
      series: { [halted]: '1x5 stale', [haltedElsewhere]: '_x5 1x20' },
      at: 12,
      fires: isHalted,
    },
    { what: 'a halt that has just begun', series: { [halted]: '0x5 1x20' }, at: 6, fires: null },
    { what: 'no halt', series: { [lag]: '0x10' }, at: 10, fires: null },
  ],
  FirnNoProgress: [
    { what: 'nothing was read', series: { [lag]: '5x30', [consumed]: '100x30' }, at: 20, fires: stands },
    {
      what: 'nothing was read, by one process after the other',
      series: {
        [lag]: '5x14 stale',
        [consumed]: '100x14 stale',
        [lagElsewhere]: '_x15 5x30',
        [consumedElsewhere]: '_x15 100x30',
      },
      at: 22,
      fires: stands,
    },
    { what: 'it is read', series: { [lag]: '5x30', [consumed]: '100+1x30' }, at: 20, fires: null },
    { what: 'it has just begun', series: { [lag]: '5x30', [consumed]: '100x30' }, at: 11, fires: null },
    { what: 'what was left is gone', series: { [lag]: '5x15 0x15', [consumed]: '100x30' }, at: 22, fires: null },
    { what: 'there is nothing to read', series: { [lag]: '0x30', [consumed]: '100x30' }, at: 20, fires: null },
    { what: 'there has been for a while', series: { [lag]: '0x15 5x15', [consumed]: '100x30' }, at: 24, fires: null },
    {
      what: 'it is halted',
      series: { [lag]: '5x30', [consumed]: '100x30', [halted]: '1x30' },
      at: 20,
      fires: null,
    },
  ],
  FirnStagedLag: [
    { what: 'it grows', series: { [stagedLag]: '0+60x30' }, at: 17, fires: { labels: place, value: '17m 0s' } },
    { what: 'it has just passed the bound', series: { [stagedLag]: '0+60x30' }, at: 12, fires: null },
    { what: 'it is high at times', series: { [stagedLag]: '0x5 900x3 0x5 900x3 0x5' }, at: 17, fires: null },
    { what: 'it is halted', series: { [stagedLag]: '0+60x30', [halted]: '1x30' }, at: 17, fires: null },
  ],
  FirnRejectsRising: [
    {
      what: 'the first ones of a code',
      series: { [rejects]: '_x20 3x20' },
      at: 21,
      fires: { labels: rejected, value: '3' },
    },
    {
      what: 'one at each minute',
      series: { [rejects]: '5+1x60' },
      at: 40,
      fires: { labels: rejected, value: '15' },
    },
    { what: 'none for a while', series: { [rejects]: '5x10 8x60' }, at: 40, fires: null },
    { what: 'a process that starts anew', series: { [rejects]: '5x30 0x30' }, at: 40, fires: null },
  ],
  FirnMemorySaturated: [
    {
      what: 'it is full',
      series: { [buffered]: '950x30', [budget]: '1000x30' },
      at: 20,
      fires: { ...process, value: '95%' },
    },
    {
      what: 'it is full at times',
      series: { [buffered]: '950x12 100x2 950x10', [budget]: '1000x30' },
      at: 24,
      fires: null,
    },
  ],
  FirnStageUnreachable: [
    { what: 'it is away', series: { [stage]: '0x10' }, at: 6, fires: process },
    { what: 'it has been away for a while', series: { [stage]: '0x10' }, at: 3, fires: null },
    { what: 'it is there', series: { [stage]: '1x10' }, at: 6, fires: null },
  ],
  FirnKafkaUnreachable: [
    { what: 'it is away', series: { [kafka]: '0x10' }, at: 6, fires: process },
    { what: 'a rebalance', series: { [kafka]: '1x3 0x1 1x10' }, at: 5, fires: null },
    { what: 'it is there', series: { [kafka]: '1x10' }, at: 6, fires: null },
  ],
  FirnNothingRead: [
    { what: 'nobody has a partition', series: { [assigned]: '0x20' }, at: 11, fires: { labels: target } },
    { what: 'nobody is there', series: {}, at: 11, fires: { labels: {} } },
    { what: 'nobody is there any more', series: { [assigned]: '4x5 stale' }, at: 17, fires: { labels: {} } },
    { what: 'it begins', series: { [assigned]: '0x20' }, at: 5, fires: null },
    { what: 'one has them all', series: { [assigned]: '0x20', [assignedElsewhere]: '4x20' }, at: 15, fires: null },
  ],
}
