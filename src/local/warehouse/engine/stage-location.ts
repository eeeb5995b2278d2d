/**
 * `s3://bucket/path/`, taken apart and put together; which files a COPY looks at.
 */
import type { Catalog, CatalogObject } from './catalog.ts'
import { missing } from '../sql/name-resolution.ts'
import { type CopyInto, SqlError } from '../sql/statement.ts'

/** `prefix` is what keys in the bucket begin with. */
export type Location = { readonly bucket: string; readonly prefix: string }

/** @throws SqlError 001003 */
export function parseLocation(url: string): Location {
  const found = /^s3:\/\/([a-z0-9][a-z0-9.-]+)(?:\/(.*))?$/s.exec(url)
  if (!found) {
    throw new SqlError(
      '001003',
      '42000',
      `SQL compilation error:\ninvalid URL prefix found in: '${url}' (the development warehouse knows s3:// alone)`,
    )
  }
  const [, bucket = '', prefix = ''] = found
  return { bucket, prefix }
}

export type CopyLocation = Location & { readonly stageUrl: string }

/** What a COPY looks at: the URL of its stage, and the path that it names below that. Both match as prefixes. */
export function copyLocation(catalog: Catalog, { stage: name, path }: Pick<CopyInto, 'stage' | 'path'>): CopyLocation {
  const stage = catalog.find('stage', name)
  if (!stage) throw missing('stage', name)
  const { url } = stage.definition
  const joined =
    path === '' || url.endsWith('/') ? `${url}${path.replace(/^\//, '')}` : `${url}/${path.replace(/^\//, '')}`
  return { ...parseLocation(joined), stageUrl: url }
}

export function pipeLocation(catalog: Catalog, pipe: CatalogObject<'pipe'>): CopyLocation {
  return copyLocation(catalog, pipe.definition.copy)
}

/** The object store did not answer a statement, or refused it. */
export function stageFailure(error: unknown): SqlError {
  const reason = error instanceof Error ? error.message : String(error)
  return new SqlError('091003', '58030', `Failure using stage area. Cause: [${reason}]`, { cause: error })
}
