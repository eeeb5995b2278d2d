/**
 * Values that the chart must refuse, each beside those of the smallest that it takes, and what the refusal must name.
 */
export type Refusal = { readonly what: string; readonly values: object; readonly names: RegExp }

const kafka = { brokers: ['broker-1:9092'] }

export const refusals: readonly Refusal[] = [
  { what: 'an unknown value', values: { replicaCount: 3 }, names: /replicaCount/ },
  { what: 'an unknown value in a section', values: { image: { name: 'firn' } }, names: /'name'/ },
  { what: 'text for a number', values: { replicas: 'three' }, names: /replicas/ },
  { what: 'text for a switch', values: { networkPolicy: { enabled: 'maybe' } }, names: /enabled/ },
  { what: 'a number for a list', values: { secrets: { files: 3 } }, names: /files/ },
  { what: 'a word that is none of the choices', values: { image: { pullPolicy: 'Sometimes' } }, names: /pullPolicy/ },
  { what: 'root as user', values: { userId: 0 }, names: /userId/ },
  { what: 'a schedule that is none', values: { audit: { schedule: 'daily' } }, names: /schedule/ },
  { what: 'a backfill without a name', values: { backfills: [{ args: ['--from', 'log'] }] }, names: /name/ },
  {
    what: 'a backfill with a name that no run may have',
    values: { backfills: [{ name: 'Fix 3', args: ['--from', 'log'] }] },
    names: /name/,
  },
  { what: 'an unknown setting', values: { config: { ingest: { freshnes: '30s' } } }, names: /freshnes/ },
  {
    what: 'an unknown setting of a table',
    values: { config: { tables: [{ topic: 'a', table: 'A.A', key: ['id'], keys: 1 }] } },
    names: /keys/,
  },
  { what: 'a table without a key', values: { config: { tables: [{ topic: 'a', table: 'A.A' }] } }, names: /key/ },
  { what: 'a setting without its unit', values: { config: { ingest: { freshness: '30' } } }, names: /freshness/ },
  {
    what: 'a password that is written out',
    values: { config: { kafka: { ...kafka, sasl: { mechanism: 'plain', username: 'firn', password: 'letmein' } } } },
    names: /password/,
  },
  {
    what: 'a secret key that is written out',
    values: { config: { stage: { secretAccessKey: 'abc' } } },
    names: /secretAccessKey/,
  },
  {
    what: 'a private key that is written out',
    values: { config: { kafka: { ...kafka, key: '-----BEGIN' } } },
    names: /key/,
  },
  { what: 'no brokers', values: { config: { kafka: null } }, names: /config\.kafka\.brokers is needed/ },
  { what: 'no bucket', values: { config: { stage: null } }, names: /config\.stage\.bucket is needed/ },
  {
    what: 'a warehouse without a user',
    values: { config: { warehouse: { account: 'xy12345' } } },
    names: /config\.warehouse\.user is needed/,
  },
  { what: 'no tables', values: { config: { tables: [] } }, names: /config\.tables is needed/ },
  {
    what: 'a memory limit that holds no file',
    values: { resources: { limits: { memory: '400Mi' } } },
    names: /a budget of 72 MiB/,
  },
  {
    what: 'a memory limit that is no size',
    values: { resources: { limits: { memory: '1GB' } } },
    names: /1GB is no size/,
  },
  {
    what: 'less time to leave than leaving takes',
    values: { terminationGracePeriodSeconds: 20 },
    names: /terminationGracePeriodSeconds is 20/,
  },
  {
    what: 'audits without a warehouse',
    values: { audit: { enabled: true } },
    names: /config\.warehouse is needed for audit/,
  },
  {
    what: 'no name of a ServiceAccount that is there',
    values: { serviceAccount: { create: false } },
    names: /serviceAccount\.name is needed/,
  },
]
