/**
 * Puts every object before the API server, and every pod that a controller would make of it. Both must be taken without a warning; a
 * few that are damaged must not, so that its consent means something.
 */
import { type ApiServer, startApiServer, type Verdict } from './api-server.ts'
import { type Manifest, podOf, readManifests } from './manifests.ts'
import { until } from '../support/until.ts'

const namespace: Manifest = {
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: {
    name: 'firn',
    labels: Object.fromEntries(['enforce', 'warn'].map((mode) => [`pod-security.kubernetes.io/${mode}`, 'restricted'])),
  },
}
const account = (name: string): Manifest => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name, namespace: 'firn' },
})
const priority: Manifest = {
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: 'business' },
  value: 1000,
}

/** Of other projects: their kinds are known here, what may stand in them is not. */
const foreign = [
  { group: 'monitoring.coreos.com', version: 'v1', kind: 'ServiceMonitor' },
  { group: 'monitoring.coreos.com', version: 'v1', kind: 'PrometheusRule' },
  { group: 'keda.sh', version: 'v1alpha1', kind: 'ScaledObject' },
]

function definitionOf({ group, version, kind }: (typeof foreign)[number]): Manifest {
  const singular = kind.toLowerCase()
  const plural = `${singular}s`
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, singular, plural },
      versions: [{ name: version, served: true, storage: true, schema }],
    },
  }
}

/** @throws Error with every refusal and every warning */
export async function judgeAll(
  work: string,
  rendered: readonly { readonly name: string; readonly text: string }[],
): Promise<number> {
  const server = await startApiServer(work)
  try {
    await prepare(server)
    const problems: string[] = []
    let count = 0
    for (const { name, text } of rendered) {
      for (const manifest of readManifests(text)) {
        const pod = podOf(manifest)
        for (const one of pod ? [manifest, pod] : [manifest]) {
          count += 1
          problems.push(...faultsOf(`${name}: ${one.kind} ${one.metadata.name}`, await server.judge(one)))
        }
      }
    }
    problems.push(
      ...(await unrefused(
        server,
        rendered.flatMap(({ text }) => readManifests(text)),
      )),
    )
    if (problems.length > 0) throw new Error(problems.join('\n'))
    return count
  } finally {
    await server.stop()
  }
}

function faultsOf(what: string, { accepted, message, warnings }: Verdict): readonly string[] {
  return [...(accepted ? [] : [`${what} is refused: ${message}`]), ...warnings.map((text) => `${what}: ${text}`)]
}

async function prepare(server: ApiServer): Promise<void> {
  const there = [namespace, account('firn'), account('default'), priority, ...foreign.map(definitionOf)]
  for (const manifest of there) {
    const { accepted, message } = await server.create(manifest)
    if (!accepted) throw new Error(`${manifest.kind} ${manifest.metadata.name}: ${message}`)
  }
  // A kind is served a moment after it was defined.
  for (const { group, version, kind } of foreign) {
    const probe: Manifest = { apiVersion: `${group}/${version}`, kind, metadata: { name: 'probe', namespace: 'firn' } }
    await until(
      kind,
      () => server.judge(probe),
      ({ accepted }) => accepted,
    )
  }
}

type Pod = { readonly spec: { readonly containers: readonly { readonly securityContext: object }[] } }

/** Damages that it must refuse. */
async function unrefused(server: ApiServer, manifests: readonly Manifest[]): Promise<readonly string[]> {
  const deployment = manifests.find(({ kind }) => kind === 'Deployment')
  const pod = deployment && podOf(deployment)
  if (!pod) throw new Error('there is no Deployment among them')
  const { spec } = pod as Manifest & Pod
  const [container] = spec.containers
  const privileged = {
    ...container,
    securityContext: { ...container?.securityContext, allowPrivilegeEscalation: true },
  }
  const damaged: readonly (readonly [string, Manifest])[] = [
    ['a pod that may raise its privileges', { ...pod, spec: { ...spec, containers: [privileged] } }],
    ['a pod with a field that is none', { ...pod, spec: { ...spec, restartPolice: 'Always' } }],
    [
      'a Deployment without a selector',
      { ...deployment, spec: { ...(deployment['spec'] as object), selector: undefined } },
    ],
  ]
  const problems: string[] = []
  for (const [what, manifest] of damaged) {
    if ((await server.judge(manifest)).accepted) problems.push(`the API server takes ${what}`)
  }
  return problems
}
