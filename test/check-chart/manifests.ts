/**
 * Rendered manifests as objects, and the pods that they would start.
 */
import { parseAllDocuments } from 'yaml'

export type Manifest = {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: object }
  readonly [more: string]: unknown
}

/** By YAML 1.1, as Kubernetes reads: 0440 is octal. @throws Error where a document cannot be read, or is none of an object */
export function readManifests(text: string): readonly Manifest[] {
  return parseAllDocuments(text, { version: '1.1' }).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0]
    const manifest = document.toJS() as Manifest | null
    if (manifest === null) return []
    if (!manifest.apiVersion || !manifest.kind || !manifest.metadata.name)
      throw new Error(`no object: ${String(document)}`)
    return [manifest]
  })
}

type Template = { readonly metadata: object; readonly spec: object }

/**
 * The pod of a workload, as its controller would make it: Pod Security refuses pods, and only warns of what makes them.
 */
export function podOf({ kind, metadata, spec }: Manifest): Manifest | null {
  if (!['Deployment', 'Job', 'CronJob'].includes(kind)) return null
  const at = spec as { readonly jobTemplate?: { readonly spec: object } }
  const { template } = (at.jobTemplate?.spec ?? at) as { readonly template: Template }
  const { name, namespace = 'default' } = metadata
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name, namespace }, spec: template.spec }
}
