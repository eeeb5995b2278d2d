/**
 * Values that the chart must refuse, each beside those of the smallest that it takes, and what the refusal must name. None may tell
 * a secret that was written out.
 */
export type Refusal = { readonly what: string; readonly values: object; readonly names: RegExp }

/** Stands for a secret that somebody has pasted. */
export const pasted = 'hunter2'

const kafka = { brokers: ['broker-1:9092'] }
const login = { mechanism: 'scram-sha-512', username: 'firn', password: '${KAFKA_PASSWORD}' }
const secrets = { env: { KAFKA_PASSWORD: { name: 'firn-kafka', key: 'password' } }, files: ['firn-kafka'] }
const warehouse = { account: 'xy12345', user: 'FIRN', privateKeyFile: '/secrets/firn-kafka/rsa_key.p8' }
const scaled = { autoscaling: { enabled: true, authenticationRef: 'firn-kafka' }, secrets }
const backfill = { name: 'fix-3', args: ['--from', 'log'] }
/** Each with something that only one login has. */
const wrongLogins: readonly (readonly [string, object, RegExp])[] = [
  ['a mechanism as AWS spells it', { ...login, mechanism: 'SCRAM-SHA-512' }, /must be one of 'plain', .*'aws-msk-iam'/],
  ['a login without a password', { mechanism: 'plain', username: 'firn' }, /missing property 'password'/],
  ['a login with a setting of another one', { ...login, region: 'eu-west-1' }, /'region' not allowed/],
]

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
    values: { config: { kafka: { ...kafka, ssl: true, sasl: { ...login, password: pasted } } } },
    names: /config\.kafka\.sasl\.password must be a reference, .* the value is not shown here/,
  },
  {
    what: 'a secret key that is written out',
    values: { config: { stage: { secretAccessKey: pasted } } },
    names: /config\.stage\.secretAccessKey must be a reference/,
  },
  {
    what: 'a private key that is written out',
    values: { config: { kafka: { ...kafka, key: `-----BEGIN\n${pasted}\n-----END` } } },
    names: /config\.kafka\.key must be a reference/,
  },
  {
    what: 'a passphrase that is written out',
    values: { secrets, config: { warehouse: { ...warehouse, privateKeyPassphrase: pasted } } },
    names: /config\.warehouse\.privateKeyPassphrase must be a reference/,
  },
  {
    what: 'several wrong values, all of them',
    values: { image: { repository: 'firn:1' }, config: { tables: null, stage: { secretAccessKey: pasted } } },
    names:
      /image\.repository is firn:1.*config\.tables is needed|config\.tables is needed.*image\.repository is firn:1/s,
  },
  ...wrongLogins.map(([what, sasl, names]) => ({
    what,
    values: { secrets, config: { kafka: { ...kafka, ssl: true, sasl } } },
    names,
  })),
  {
    what: 'a variable that no pod has',
    values: { config: { kafka: { ...kafka, ssl: true, sasl: login } } },
    names: /\$\{KAFKA_PASSWORD\}, which no pod has: .*secrets\.env/,
  },
  {
    what: 'a variable that Jobs alone have',
    values: { operator: { env: secrets.env }, config: { kafka: { ...kafka, ssl: true, sasl: login } } },
    names: /\$\{KAFKA_PASSWORD\}, which no pod has/,
  },
  {
    what: 'a variable from a Secret that nobody makes',
    values: { secrets: { env: { KAFKA_PASSWORD: { key: 'password' } } } },
    names: /secrets\.env\.KAFKA_PASSWORD has no name .* no password/,
  },
  {
    what: 'a file of a Secret that is not mounted',
    values: { config: { kafka: { ...kafka, ca: 'file:/secrets/firn-kafka/ca.pem' } } },
    names: /\/secrets\/firn-kafka\/ca\.pem, and the Secret firn-kafka is not in secrets\.files/,
  },
  {
    what: 'a path that ends in a Secret',
    values: { secrets, config: { kafka: { ...kafka, ca: 'file:/secrets/firn-kafka' } } },
    names: /as in \/secrets\/firn-kafka\/KEY/,
  },
  {
    what: 'a file that secrets.create does not make',
    values: {
      secrets: { create: { 'ca.crt': 'x' } },
      config: { kafka: { ...kafka, ca: 'file:/secrets/created/ca.pem' } },
    },
    names: /secrets\.create has no ca\.pem/,
  },
  {
    what: 'a key of operators that is not mounted',
    values: { operator: { privateKeyFile: '/secrets/firn-operator/rsa_key.p8' } },
    names: /operator\.privateKeyFile .* not in secrets\.files or operator\.files/,
  },
  {
    what: 'a login without TLS that nobody has chosen',
    values: { secrets, config: { kafka: { ...kafka, sasl: login } } },
    names: /config\.kafka\.sasl would log in without TLS/,
  },
  {
    what: 'a login of AWS without TLS',
    values: { config: { kafka: { ...kafka, ssl: false, sasl: { mechanism: 'aws-msk-iam', region: 'eu-west-1' } } } },
    names: /aws-msk-iam needs config\.kafka\.ssl: true/,
  },
  {
    what: 'an authority without TLS',
    values: { secrets, config: { kafka: { ...kafka, ssl: false, ca: 'file:/secrets/firn-kafka/ca.pem' } } },
    names: /config\.kafka\.ca is of no use with config\.kafka\.ssl: false/,
  },
  {
    what: 'a path for a certificate',
    values: { secrets, config: { kafka: { ...kafka, ca: '/secrets/firn-kafka/ca.pem' } } },
    names: /write file:\/secrets\/firn-kafka\/ca\.pem/,
  },
  {
    what: 'a reference for a path',
    values: { secrets, config: { warehouse: { ...warehouse, privateKeyFile: 'file:/secrets/firn-kafka/rsa_key.p8' } } },
    names: /privateKeyFile is a path and no reference/,
  },
  {
    what: 'a reference for the path of a token',
    values: {
      secrets,
      config: {
        kafka: { ...kafka, ssl: true, sasl: { mechanism: 'oauthbearer', tokenFile: 'file:/secrets/firn-kafka/t' } },
      },
    },
    names: /tokenFile is a path and no reference/,
  },
  {
    what: 'a tag in the repository',
    values: { image: { repository: 'r:5000/firn:1' } },
    names: /image\.repository is/,
  },
  {
    what: 'the URL of an account',
    values: { secrets, config: { warehouse: { ...warehouse, account: 'https://xy12345.snowflakecomputing.com' } } },
    names: /config\.warehouse\.account is the account alone/,
  },
  {
    what: 'a table twice',
    values: { config: { tables: ['a', 'b'].map((topic) => ({ topic, table: 'A.A', key: ['id'] })) } },
    names: /A\.A twice, from a and from b/,
  },
  {
    what: 'less memory than one file',
    values: { config: { ingest: { memory: '32MiB' } } },
    names: /config\.ingest\.memory, 32MiB, is less than one file/,
  },
  {
    what: 'more memory than the limit leaves',
    values: { config: { ingest: { memory: '512MiB' } } },
    names: /config\.ingest\.memory, 512MiB, is more than the 384 MiB/,
  },
  {
    what: 'a memory request above the limit',
    values: { jobResources: { requests: { memory: '1Gi' } } },
    names: /jobResources\.requests\.memory, 1Gi, is above/,
  },
  {
    what: 'files that a backfill has no memory for',
    values: {
      resources: { limits: { memory: '2Gi' } },
      config: { ingest: { fileBytes: '512MiB' }, warehouse },
      backfills: [backfill],
      secrets,
    },
    names: /jobResources\.limits\.memory, 768Mi, leaves a budget of 256 MiB, less than a file of 512 MiB/,
  },
  {
    what: 'two backfills of one name',
    values: { secrets, config: { warehouse }, backfills: [backfill, backfill] },
    names: /two of the name fix-3/,
  },
  ...['--name', '--yes', '--plan', '--config=/tmp/firn.yaml'].map((option) => ({
    what: `a backfill with ${option}`,
    values: { secrets, config: { warehouse }, backfills: [{ ...backfill, args: [...backfill.args, option] }] },
    names: new RegExp(`${option.split('=')[0] ?? ''} does not go into args of fix-3`),
  })),
  {
    what: 'a backfill whose name ends in a hyphen',
    values: { backfills: [{ ...backfill, name: 'fix-' }] },
    names: /backfills\/0\/name/,
  },
  {
    what: 'fewer pods at the most than at the least',
    values: { autoscaling: { enabled: true, minReplicas: 7 } },
    names: /autoscaling\.minReplicas, 7, is above autoscaling\.maxReplicas, 6/,
  },
  {
    what: 'scaling without a login for KEDA',
    values: { ...scaled, autoscaling: { enabled: true }, config: { kafka: { ...kafka, ssl: true, sasl: login } } },
    names: /autoscaling\.authenticationRef is needed/,
  },
  {
    what: 'scaling with a token that KEDA does not read',
    values: {
      ...scaled,
      config: { kafka: { ...kafka, ssl: true, sasl: { mechanism: 'oauthbearer', tokenFile: '/t' } } },
    },
    names: /KEDA reads no config\.kafka\.sasl\.tokenFile/,
  },
  {
    what: 'scaling with a reference that KEDA does not follow',
    values: { ...scaled, config: { kafka: { ...kafka, group: '${KAFKA_PASSWORD}' } } },
    names: /KEDA follows no references; write its consumerGroup/,
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
    values: { resources: { limits: { memory: '300Mi' } } },
    names: /leaves a budget of 22 MiB/,
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
