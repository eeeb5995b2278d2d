/**
 * Values that the chart must refuse, each beside those of the smallest that it takes, and what the refusal must name.
 */
export type Refusal = {
  readonly what: string
  readonly values: object
  readonly names: RegExp
  /** what it must not say */
  readonly hides?: string
}

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
    hides: 'letmein',
    names: /config\.kafka\.sasl\.password must be a reference/,
  },
  {
    what: 'a secret key that is written out',
    values: { config: { stage: { secretAccessKey: 'letmein' } } },
    hides: 'letmein',
    names: /config\.stage\.secretAccessKey must be a reference/,
  },
  {
    what: 'a private key that is written out',
    values: { config: { kafka: { ...kafka, key: '-----BEGIN' } } },
    names: /config\.kafka\.key must be a reference/,
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
    values: { resources: { requests: { memory: '256Mi' }, limits: { memory: '400Mi' } } },
    names: /a budget of 72 MiB/,
  },
  {
    what: 'a memory limit that is no size',
    values: { resources: { requests: { memory: '256Mi' }, limits: { memory: '1GB' } } },
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
  {
    what: 'a variable that nothing sets',
    values: { config: { kafka: { ...kafka, clientId: '${NAME}' } } },
    names: /config refers to \$\{NAME\}: add NAME to secrets\.env/,
  },
  {
    what: 'a file of a Secret that is not mounted',
    values: { config: { kafka: { ...kafka, ca: 'file:/secrets/kafka/ca.pem' } } },
    names: /config refers to \/secrets\/kafka\/: add kafka.* to secrets\.files/,
  },
  {
    what: 'a key of the operator that is not mounted',
    values: { operator: { privateKeyFile: '/secrets/operator/key.p8' } },
    names: /operator\.privateKeyFile refers to \/secrets\/operator\//,
  },
  {
    what: 'a variable from no Secret',
    values: { secrets: { env: { A: { key: 'a' } } } },
    names: /secrets\.env\.A names no Secret/,
  },
  {
    what: 'more memory asked for than allowed',
    values: { resources: { requests: { memory: '4Gi' } } },
    names: /resources\.requests\.memory is 4Gi, more than/,
  },
  {
    what: 'a memory budget beyond the limit',
    values: { config: { ingest: { memory: '4GiB' } } },
    names: /config\.ingest\.memory is 4096 MiB/,
  },
  {
    what: 'a memory budget below one file',
    values: { config: { ingest: { memory: '64MiB' } } },
    names: /less than a file of 128 MiB/,
  },
  {
    what: 'a login without TLS that nobody asked for',
    values: { config: { kafka: { ...kafka, sasl: { mechanism: 'aws-msk-iam', region: 'eu-west-1' } } } },
    names: /would send a login without TLS/,
  },
  {
    what: 'a certificate without TLS',
    values: { config: { kafka: { ...kafka, ca: 'file:/etc/ca.pem', ssl: false } } },
    names: /config\.kafka\.ssl is false/,
  },
  {
    what: 'a path for a certificate',
    values: { config: { kafka: { ...kafka, ca: '/etc/ca.pem' } } },
    names: /config\.kafka\.ca is the certificate itself/,
  },
  {
    what: 'file: before the path of a key',
    values: { config: { warehouse: { account: 'a', user: 'b', privateKeyFile: 'file:/etc/key.p8' } } },
    names: /config\.warehouse\.privateKeyFile is a path/,
  },
  {
    what: 'the address of an account',
    values: { config: { warehouse: { account: 'https://a.snowflakecomputing.com', user: 'b' } } },
    names: /config\.warehouse\.account is the account alone/,
  },
  {
    what: 'a table that is there twice',
    values: { config: { tables: [1, 2].map(() => ({ topic: 'a', table: 'A.A', key: ['id'] })) } },
    names: /config\.tables has a into A\.A twice/,
  },
  {
    what: 'a tag in the repository',
    values: { image: { repository: 'a.example/firn:1' } },
    names: /image\.repository/,
  },
  {
    what: 'fewer pods at the most than at the least',
    values: { autoscaling: { enabled: true, minReplicas: 7 } },
    names: /autoscaling\.minReplicas is 7/,
  },
  {
    what: 'scaling without a login where one is needed',
    values: {
      autoscaling: { enabled: true },
      config: { kafka: { ...kafka, ssl: true, sasl: { mechanism: 'aws-msk-iam', region: 'eu-west-1' } } },
    },
    names: /autoscaling\.authenticationRef is needed/,
  },
  {
    what: 'two backfills of one name',
    values: {
      config: { warehouse: { account: 'a', user: 'b' } },
      backfills: [1, 2].map(() => ({ name: 'fix', args: ['--from', 'log'] })),
    },
    names: /backfills has fix twice/,
  },
  {
    what: 'a backfill that would only be planned',
    values: {
      config: { warehouse: { account: 'a', user: 'b' } },
      backfills: [{ name: 'fix', args: ['--from', 'log', '--plan'] }],
    },
    names: /--plan in the args of a backfill/,
  },
]
