/**
 * A real Kubernetes API server with nothing behind it: it judges objects as a cluster does, and runs none of them. Etcd keeps
 * what is created for good, which are a namespace and what others must refer to.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { end, launch, logEnd, type ProcessId } from '../../src/local/part-process.ts'
import { choosePorts } from '../../src/local/ports.ts'
import { until } from '../support/until.ts'
import type { Manifest } from './manifests.ts'

const parts = fileURLToPath(new URL('../../.firn/parts/kubernetes/', import.meta.url))

export type Verdict = { readonly accepted: boolean; readonly message: string; readonly warnings: readonly string[] }

export type ApiServer = {
  create(manifest: Manifest): Promise<Verdict>
  /** Whether it would be created: unknown and repeated fields are refused, all admission takes part, nothing is kept. */
  judge(manifest: Manifest): Promise<Verdict>
  stop(): Promise<void>
}

const plurals: Readonly<Record<string, string>> = {
  NetworkPolicy: 'networkpolicies',
  Namespace: 'namespaces',
  CustomResourceDefinition: 'customresourcedefinitions',
  PriorityClass: 'priorityclasses',
}
const clusterWide = new Set(['Namespace', 'CustomResourceDefinition', 'PriorityClass'])

function pathOf({ apiVersion, kind, metadata }: Manifest): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`
  const place = clusterWide.has(kind) ? '' : `/namespaces/${metadata.namespace ?? 'default'}`
  return `${group}${place}/${plurals[kind] ?? `${kind.toLowerCase()}s`}`
}

/** @throws Error with the end of its log where it does not start */
export async function startApiServer(work: string): Promise<ApiServer> {
  const dir = join(work, 'kubernetes')
  await mkdir(dir, { recursive: true })
  const [client = 0, peer = 0, port = 0] = await choosePorts(3)
  const token = randomBytes(16).toString('hex')
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const file = async (name: string, content: string): Promise<string> => {
    await writeFile(join(dir, name), content, { mode: 0o600 })
    return join(dir, name)
  }
  const processes: ProcessId[] = []
  const start = async (name: string, args: readonly string[]): Promise<void> => {
    const id = await launch({ program: join(parts, name), args }, join(dir, `${name}.log`))
    processes.push(id)
    process.once('exit', () => {
      try {
        process.kill(id.pid, 'SIGKILL')
      } catch {
        // It has ended before.
      }
    })
  }
  const etcd = `http://127.0.0.1:${client}`
  await start('etcd', [
    ...['--data-dir', join(dir, 'etcd'), '--listen-client-urls', etcd, '--advertise-client-urls', etcd],
    ...['--listen-peer-urls', `http://127.0.0.1:${peer}`],
  ])
  const signing = await file('signing.key', privateKey)
  await start('kube-apiserver', [
    `--etcd-servers=${etcd}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${dir}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    '--authorization-mode=AlwaysAllow',
    `--token-auth-file=${await file('tokens.csv', `${token},judge,judge,system:masters\n`)}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-signing-key-file=${signing}`,
    `--service-account-key-file=${await file('signing.pub', publicKey)}`,
  ])
  const ask = await asking(port, token, join(dir, 'apiserver.crt'))
  const stop = async (): Promise<void> => {
    for (const id of processes.toReversed()) await end(id, 'SIGTERM', 10_000)
  }
  try {
    await until(
      'the API server',
      () =>
        ask('GET', '/readyz').then(
          ({ status }) => status,
          () => 0,
        ),
      (status) => status === 200,
    )
  } catch (error) {
    await stop()
    throw new Error(`the API server does not start:\n${logEnd(join(dir, 'kube-apiserver.log'))}`, { cause: error })
  }
  // As `kubectl apply --server-side` does: what is there already, as the account that pods refer to is, may be said again.
  const apply = async (manifest: Manifest, dryRun: string): Promise<Verdict> => {
    const path = `${pathOf(manifest)}/${manifest.metadata.name}?fieldManager=judge&force=true&fieldValidation=Strict${dryRun}`
    const { status, body, warnings } = await ask('PATCH', path, manifest)
    const accepted = status === 200 || status === 201
    return { accepted, message: accepted ? '' : body, warnings }
  }
  return { create: (manifest) => apply(manifest, ''), judge: (manifest) => apply(manifest, '&dryRun=All'), stop }
}

type Answer = { readonly status: number; readonly body: string; readonly warnings: readonly string[] }
type Ask = (method: 'GET' | 'PATCH', path: string, body?: object) => Promise<Answer>

/** The certificate is one that the server makes itself when it starts: it is read when it is there. */
async function asking(port: number, token: string, certificate: string): Promise<Ask> {
  const ca = await until(
    'the certificate of the API server',
    () => readFile(certificate).catch(() => null),
    (pem) => pem !== null,
  )
  const agent = new Agent({ ca: ca ?? '', keepAlive: false })
  return async (method, path, body) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/apply-patch+yaml' }
    const call = request({ host: '127.0.0.1', port, path, method, agent, headers }, (response) => {
      text(response).then((answer) => {
        const said = response.headersDistinct['warning'] ?? []
        resolve({ status: response.statusCode ?? 0, body: messageOf(answer), warnings: said })
      }, reject)
    })
    call.on('error', reject).end(body && JSON.stringify(body))
    return await promise
  }
}

function messageOf(answer: string): string {
  try {
    return (JSON.parse(answer) as { readonly message?: string }).message ?? answer
  } catch {
    return answer
  }
}
