/**
 * When each alert of the warehouse must fire, and when it must not. Of findings there is a case for each code.
 */
import type { FindingCode } from '../../src/audit/finding.ts'
import { labelled } from './cases.ts'
import type { Case, Cases } from './unit-tests.ts'

const target = { job: 'firn', namespace: 'cdc' }
const place = { ...target, topic: 'shop.orders', partition: '3' }
const table = { ...place, table: 'SHOP.ORDERS' }

const told = (name: string, labels: Readonly<Record<string, string>>, instance = 'a'): string =>
  labelled(name, { ...labels, instance })

const loadedLag = told('firn_loaded_lag_seconds', place)
const mergedLag = told('firn_merged_lag_seconds', table)
const reachable = told('firn_warehouse_reachable', target)
const reachableElsewhere = told('firn_warehouse_reachable', target, 'b')
const pending = told('firn_schema_pending_scripts', target)

const found = (code: FindingCode): string => told('firn_audit_findings', { ...target, topic: 'shop.orders', code })

type Findings = {
  readonly codes: readonly FindingCode[]
  /** a finding of another alert */
  readonly other: FindingCode
  /** how long it must last, in minutes */
  readonly lasts: number
  readonly showsCode: boolean
}

/** It fires for each of its codes, and neither for another one, nor too early, nor when it is over. */
function findings({ codes, other, lasts, showsCode }: Findings): readonly Case[] {
  const [first] = codes
  const early =
    lasts === 0
      ? []
      : [{ what: 'it has just begun', series: { [found(first ?? other)]: '0x5 1x9' }, at: 7, fires: null }]
  return [
    ...codes.map((code) => ({
      what: code,
      series: { [found(code)]: '0x5 2x60' },
      at: 7 + lasts,
      fires: { labels: { ...target, topic: 'shop.orders', ...(showsCode && { code }) }, value: '2' },
    })),
    { what: `${other} is another alert's`, series: { [found(other)]: '1x60' }, at: 30, fires: null },
    { what: 'nothing is found', series: { [found(first ?? other)]: '0x60' }, at: 30, fires: null },
    { what: 'it is over', series: { [found(first ?? other)]: '1x40 _ stale' }, at: 43, fires: null },
    ...early,
  ]
}

export const warehouseCases: Cases = {
  FirnLoadLag: [
    {
      what: 'files wait',
      series: { [loadedLag]: '0+60x40', [reachable]: '1x40' },
      at: 25,
      fires: { labels: place, value: '25m 0s' },
    },
    {
      what: 'files wait, and one process of two can ask',
      series: { [loadedLag]: '0+60x40', [reachable]: '1x40', [reachableElsewhere]: '0x40' },
      at: 25,
      fires: { labels: place, value: '25m 0s' },
    },
    { what: 'files come and go', series: { [loadedLag]: '0x3 400x3 0x3 600x20' }, at: 25, fires: null },
    { what: 'it has just passed the bound', series: { [loadedLag]: '0+60x40' }, at: 18, fires: null },
    { what: 'nobody can ask', series: { [loadedLag]: '0+60x40', [reachable]: '0x40' }, at: 25, fires: null },
  ],
  FirnMergeLag: [
    {
      what: 'rows are loaded and wait',
      series: { [mergedLag]: '0+60x60', [loadedLag]: '0x60', [reachable]: '1x60' },
      at: 40,
      fires: { labels: table, value: '40m 0s' },
    },
    {
      what: 'their files are not loaded',
      series: { [mergedLag]: '0+60x60', [loadedLag]: '0+60x60' },
      at: 40,
      fires: null,
    },
    { what: 'nobody can ask', series: { [mergedLag]: '0+60x60', [reachable]: '0x60' }, at: 40, fires: null },
    {
      what: 'rows are loaded and wait, and one process of two can ask',
      series: { [mergedLag]: '0+60x60', [reachable]: '1x60', [reachableElsewhere]: '0x60' },
      at: 40,
      fires: { labels: table, value: '40m 0s' },
    },
    { what: 'it has just passed the bound', series: { [mergedLag]: '0+60x60' }, at: 33, fires: null },
    { what: 'it is within the bound', series: { [mergedLag]: '1700x60' }, at: 40, fires: null },
  ],
  FirnFailedLoads: findings({
    codes: ['LOAD_FAILED', 'ROWS_MISSING'],
    other: 'FILE_NOT_LOADED',
    lasts: 0,
    showsCode: true,
  }),
  FirnStageGap: findings({ codes: ['STAGE_GAP'], other: 'LOAD_FAILED', lasts: 0, showsCode: false }),
  FirnPipeDown: findings({
    codes: ['PIPE_MISSING', 'PIPE_PAUSED', 'PIPE_STALLED', 'PIPE_RECREATED'],
    other: 'TASK_MISSING',
    lasts: 10,
    showsCode: true,
  }),
  FirnStreamNearStale: findings({ codes: ['STREAM_NEAR_STALE'], other: 'STREAM_STALE', lasts: 0, showsCode: false }),
  FirnStreamStale: findings({
    codes: ['STREAM_STALE', 'STREAM_MISSING'],
    other: 'STREAM_NEAR_STALE',
    lasts: 0,
    showsCode: true,
  }),
  FirnTaskSuspended: findings({
    codes: ['TASK_SUSPENDED', 'TASK_MISSING'],
    other: 'TASK_FAILING',
    lasts: 15,
    showsCode: true,
  }),
  FirnTaskFailing: findings({ codes: ['TASK_FAILING'], other: 'TASK_SUSPENDED', lasts: 15, showsCode: false }),
  FirnWarehouseUnreachable: [
    { what: 'nobody can ask', series: { [reachable]: '0x40' }, at: 31, fires: { labels: target } },
    { what: 'for a moment', series: { [reachable]: '0x40' }, at: 10, fires: null },
    { what: 'somebody can', series: { [reachable]: '0x40', [reachableElsewhere]: '1x40' }, at: 31, fires: null },
    { what: 'no warehouse is configured', series: {}, at: 31, fires: null },
  ],
  FirnSchemaPending: [
    { what: 'for more than an hour', series: { [pending]: '3x70' }, at: 65, fires: { labels: target, value: '3' } },
    { what: 'while a migration runs', series: { [pending]: '3x20 0x60' }, at: 15, fires: null },
    { what: 'it was applied', series: { [pending]: '3x20 0x60' }, at: 65, fires: null },
  ],
}

/** Findings that another alert tells, by the time that files have waited. */
export const toldByLag: Readonly<Partial<Record<FindingCode, string>>> = {
  FILE_NOT_LOADED: 'FirnLoadLag',
  ROWS_UNMERGED: 'FirnMergeLag',
}

/** Findings of `firn audit --deep` alone, which no running service looks for. */
export const deepOnly: readonly FindingCode[] = [
  'TARGET_ROW_MISSING',
  'TARGET_ROW_STALE',
  'TARGET_ROW_WRONG',
  'TARGET_ROW_KEPT',
  'TOMBSTONE_MISSING',
  'UNORDERED_IDS',
]
