/**
 * What the stack's parts need of keys: an authority of their own with a certificate for this machine's loopback, and a key
 * pair for logging in at the warehouse. Made once per data folder; who uses which is decided by the part.
 */
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Failure } from '../failure.ts'

const run = promisify(execFile)

export type Certificates = {
  /** certificate of the authority, PEM */
  readonly caFile: string
  /** key and certificate chain of the servers, PEM */
  readonly serverFile: string
  /** PKCS #8 PEM */
  readonly privateKeyFile: string
  readonly publicKeyFile: string
}

export function certificatesIn(dir: string): Certificates {
  const folder = join(dir, 'certificates')
  return {
    caFile: join(folder, 'ca.pem'),
    serverFile: join(folder, 'server.pem'),
    privateKeyFile: join(folder, 'user.p8'),
    publicKeyFile: join(folder, 'user.pub'),
  }
}

/** Made in a folder beside and moved into place at the end, so that they are there whole or not at all. */
export async function makeCertificates(dir: string): Promise<void> {
  const folder = join(dir, 'certificates')
  if (existsSync(folder)) return
  const draft = join(dir, 'certificates.draft')
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true, mode: 0o700 })
  await makeServerCertificate(draft)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  await writeFile(join(draft, 'user.p8'), privateKey, { mode: 0o600 })
  await writeFile(join(draft, 'user.pub'), publicKey)
  await rename(draft, folder)
}

async function makeServerCertificate(cwd: string): Promise<void> {
  const key = ['-newkey', 'rsa:2048', '-sha256', '-nodes']
  const days = ['-days', '3650']
  await writeFile(join(cwd, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  for (const args of [
    ['req', '-x509', ...key, ...days, '-subj', '/CN=Firn development authority', '-keyout', 'ca.key', '-out', 'ca.pem'],
    ['req', ...key, '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr'],
    [
      ...['x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', ...days],
      ...['-sha256', '-extfile', 'names', '-out', 'server.crt'],
    ],
  ]) {
    await run('openssl', args, { cwd }).catch((error: unknown) => {
      throw new Failure('STACK_PART_FAILED', `openssl ${String(args[0])} failed: ${String(error)}`, { cause: error })
    })
  }
  const chain = await Promise.all(
    ['server.key', 'server.crt', 'ca.pem'].map((name) => readFile(join(cwd, name), 'utf8')),
  )
  await writeFile(join(cwd, 'server.pem'), chain.join(''), { mode: 0o600 })
}
