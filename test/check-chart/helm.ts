/**
 * Helm, asked about a chart: whether it finds fault with it, and what it renders. It asks no cluster.
 */
import { execFile } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = new URL('../../', import.meta.url)
const program = fileURLToPath(new URL('.firn/parts/helm/helm', root))

export type Helm = {
  /** @throws Error with what Helm says */
  lint(values: readonly string[]): Promise<void>
  /** All manifests as one text. @throws Error with what Helm says */
  render(values: readonly string[]): Promise<string>
}

/** The chart as it is. */
export const ownChart = fileURLToPath(new URL('deploy/chart', root))

/** A copy of the chart in which other files stand for alerts and dashboard: what those say is judged elsewhere. */
export async function chartWithFiles(work: string): Promise<string> {
  const chart = join(work, 'chart')
  await cp(ownChart, chart, { recursive: true })
  await cp(fileURLToPath(new URL('files', import.meta.url)), join(chart, 'files'), { recursive: true })
  return chart
}

/** `work` is a folder for what Helm keeps. */
export function helmOf(chart: string, work: string): Helm {
  const env = { PATH: process.env['PATH'], HOME: work }
  const ask = async (args: readonly string[], values: readonly string[]): Promise<string> => {
    try {
      const files = values.flatMap((file) => ['--values', file])
      const { stdout } = await run(program, [...args, ...files], { env, maxBuffer: 2 ** 26 })
      return stdout
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string }
      throw new Error(`helm ${args.join(' ')}: ${stderr}${stdout}`, { cause: error })
    }
  }
  return {
    lint: async (values) => {
      await ask(['lint', '--strict', chart], values)
    },
    render: (values) => ask(['template', 'firn', chart, '--namespace', 'firn', '--kube-version', 'v1.34.4'], values),
  }
}
