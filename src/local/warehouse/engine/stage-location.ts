/**
 * `s3://bucket/path/`, taken apart and put together; which files a pipe looks at.
 */
import type { Catalog, CatalogObject } from './catalog.ts'
import { missing } from '../sql/name-resolution.ts'
import { SqlError } from '../sql/statement.ts'

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

/** What a pipe looks at: the URL of its stage, and the path that its COPY names below that. Both match as prefixes. */
export function pipeLocation(catalog: Catalog, pipe: CatalogObject<'pipe'>): Location & { readonly stageUrl: string } {
  const { stage: name, path } = pipe.definition.copy
  const stage = catalog.find('stage', name)
  if (!stage) throw missing('stage', name)
  const { url } = stage.definition
  const joined =
    path === '' || url.endsWith('/') ? `${url}${path.replace(/^\//, '')}` : `${url}/${path.replace(/^\//, '')}`
  return { ...parseLocation(joined), stageUrl: url }
}
