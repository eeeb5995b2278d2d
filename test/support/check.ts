/**
 * Runs `firn check` as a user does, on a configuration file of its own, and hands back what it found.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Finding } from '../../src/finding.ts'
import { firn } from './firn.ts'

export type Checked = {
  readonly code: number | null
  readonly findings: readonly Finding[]
  /** each finding that is not ok as `level what: detail | hint`, those of one part */
  troubles(part: Finding['part']): readonly string[]
  /** the detail of what was looked at; fails where there is no such finding, or it is not ok */
  detail(what: string): string
}

export type Checks = {
  readonly file: string
  check(settings: object, env?: Readonly<Record<string, string>>): Promise<Checked>
  close(): Promise<void>
}

export async function openChecks(): Promise<Checks> {
  const folder = await mkdtemp(join(tmpdir(), 'firn-check-'))
  const file = join(folder, 'firn.yaml')
  return {
    file,
    check: async (settings, env) => {
      await writeFile(file, stringify(settings))
      const { code, stdout, stderr } = await firn(['check', '--config', file, '--json'], env)
      assert.equal(stderr, '')
      const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: readonly (Finding & { ok: boolean })[] }
      assert.equal(ok, code === 0)
      for (const finding of findings) {
        assert.equal(finding.ok, finding.level !== 'failure')
        assert.equal(finding.level === 'ok', finding.hint === null)
      }
      return {
        code,
        findings,
        troubles: (part) =>
          findings
            .filter((finding) => finding.part === part && finding.level !== 'ok')
            .map(({ level, what, detail, hint }) => `${level} ${what}: ${detail} | ${hint}`),
        detail: (what) => {
          const found = findings.find((finding) => finding.what === what)
          assert.equal(found?.level, 'ok', JSON.stringify(findings))
          return found.detail
        },
      }
    },
    close: () => rm(folder, { recursive: true }),
  }
}
