/**
 * kube-score's opinion of manifests: what it calls critical, but for what the chart does on purpose.
 */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('../../.firn/parts/kube-score/kube-score', import.meta.url))

/** `of` says of which values. */
type Exception = { readonly check: string; readonly of: RegExp; readonly why: string }

/** Whatever is listed here must be found somewhere: an exception that nothing needs is a finding itself. */
export const exceptions: readonly Exception[] = [
  {
    check: 'container-image-pull-policy',
    of: /./,
    why: 'a tag means one image for good, and a node must be able to start it while the registry is away',
  },
  {
    check: 'pod-networkpolicy',
    of: /^(default|minimal)$/,
    why: 'a policy is a switch: which ports brokers advertise is known to those who install, not to the chart',
  },
  {
    check: 'container-security-context-user-group-id',
    of: /^minimal$/,
    why: 'userId is null there, which leaves the user to the cluster',
  },
  { check: 'container-resources', of: /^minimal$/, why: 'resources are taken away there' },
  { check: 'container-ephemeral-storage-request-and-limit', of: /^minimal$/, why: 'resources are taken away there' },
]

type Scored = {
  readonly object_name: string
  readonly type_meta: { readonly kind: string }
  readonly checks: readonly {
    readonly check: { readonly id: string }
    readonly grade: number
    readonly skipped: boolean
    readonly comments: readonly { readonly path: string; readonly summary: string }[] | null
  }[]
}

export type Finding = { readonly check: string; readonly object: string; readonly text: string }

const critical = 1

/** @throws Error where kube-score cannot read them */
export async function criticalFindings(manifests: string): Promise<readonly Finding[]> {
  const child = spawn(program, ['score', '--output-format', 'json', '--kubernetes-version', 'v1.34', '-'])
  child.stdin.end(manifests)
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  if (stdout === '') throw new Error(`kube-score: ${stderr}`)
  return (JSON.parse(stdout) as readonly Scored[]).flatMap(({ object_name, type_meta, checks }) =>
    checks
      .filter(({ grade, skipped }) => grade === critical && !skipped)
      .map(({ check, comments }) => ({
        check: check.id,
        object: `${type_meta.kind} ${object_name}`,
        text: (comments ?? []).map(({ path, summary }) => `${path} ${summary}`.trim()).join('; '),
      })),
  )
}

/** `values` is the name of the values that the object was rendered with. */
export function exceptionOf(values: string, { check }: Finding): Exception | undefined {
  return exceptions.find((one) => one.check === check && one.of.test(values))
}
