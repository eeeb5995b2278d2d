/**
 * The values that the chart's README tells a reader to write: judged like all others, so that they work as they stand there.
 */
import { readFile } from 'node:fs/promises'

/** @throws Error where the README has no such example any more */
export async function exampleValues(): Promise<string> {
  const readme = await readFile(new URL('../../deploy/chart/README.md', import.meta.url), 'utf8')
  const [, values] = /\*\*3\. Values\*\*[^`]*```yaml\n(.*?)```/s.exec(readme) ?? []
  if (values === undefined) throw new Error('the README of the chart has no example of values')
  return values
}
