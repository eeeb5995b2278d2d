/**
 * What must hold of everything that the chart renders, seen on the golden files, which `make check-chart` keeps true.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { parse } from 'yaml'
import { durationMs } from '../../src/config.ts'
import { type Manifest, podOf, readManifests } from '../check-chart/manifests.ts'

const folder = new URL('../golden/chart/', import.meta.url)

type Container = {
  readonly args: readonly string[]
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly readinessProbe?: { readonly httpGet: { readonly path: string } }
  readonly livenessProbe?: { readonly httpGet: { readonly path: string } }
}

type PodSpec = {
  readonly automountServiceAccountToken: boolean
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: Readonly<Record<string, unknown>>
  readonly containers: readonly [Container]
}

type Rendered = { readonly name: string; readonly manifests: readonly Manifest[]; readonly text: string }

const names = await readdir(folder)
const rendered = await Promise.all(
  names.map(async (name): Promise<Rendered> => {
    const text = await readFile(new URL(name, folder), 'utf8')
    return { name, text, manifests: readManifests(text) }
  }),
)

const pods = rendered.flatMap(({ name, manifests }) =>
  manifests.flatMap((manifest) => {
    const pod = manifest.kind === 'Pod' ? manifest : podOf(manifest)
    return pod
      ? [{ what: `${name}: ${manifest.metadata.name}`, kind: manifest.kind, spec: pod['spec'] as PodSpec }]
      : []
  }),
)

test('no pod is privileged, writes to its root file system, or has a token for Kubernetes', () => {
  assert.deepEqual([...new Set(pods.map(({ kind }) => kind))].toSorted(), ['CronJob', 'Deployment', 'Job', 'Pod'])
  for (const { what, spec } of pods) {
    assert.equal(spec.automountServiceAccountToken, false, what)
    assert.equal(spec.securityContext['runAsNonRoot'], true, what)
    assert.deepEqual(spec.securityContext['seccompProfile'], { type: 'RuntimeDefault' }, what)
    const { securityContext } = spec.containers[0]
    assert.deepEqual(
      securityContext,
      {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        runAsNonRoot: true,
        capabilities: { drop: ['ALL'] },
      },
      what,
    )
  }
})

test('an ingester has longer to leave than it may take, and pods are replaced one by one', () => {
  for (const { name, manifests } of rendered) {
    const deployment = manifests.find(({ kind }) => kind === 'Deployment')
    const config = manifests.find(({ kind, data }) => kind === 'ConfigMap' && 'firn.yaml' in (data as object))
    assert.ok(deployment && config, name)
    const { ingest } = parse((config['data'] as Record<string, string>)['firn.yaml'] ?? '') as {
      readonly ingest?: { readonly leaveTimeout?: string }
    }
    const leaveMs = durationMs(ingest?.leaveTimeout ?? '20s') ?? Infinity
    const { strategy, template } = deployment['spec'] as {
      readonly strategy: object
      readonly template: { readonly spec: PodSpec }
    }
    assert.ok(template.spec.terminationGracePeriodSeconds * 1_000 >= leaveMs + 5_000, name)
    assert.deepEqual(strategy, { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } }, name)
    const [{ livenessProbe, readinessProbe }] = template.spec.containers
    assert.deepEqual([livenessProbe?.httpGet.path, readinessProbe?.httpGet.path], ['/healthz', '/readyz'], name)
  }
})

test('a secret from values is in its Secret, and nowhere else', () => {
  const { text } = rendered.find(({ name }) => name === 'everything.yaml') ?? { text: '' }
  const documents = text.split(/^---$/m).filter((document) => document.includes('for-a-trial'))
  assert.deepEqual(
    documents.map((document) => /^kind: (.*)$/m.exec(document)?.[1]),
    ['Secret'],
  )
})
