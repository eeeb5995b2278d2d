/**
 * What Snowpipe asks for loading files. Merging costs what its warehouse runs, which nothing here knows.
 */

/**
 * Credits per GB of Parquet files as they are stored (Snowflake Service Consumption Table, since December 2025; the number of
 * files costs nothing any more).
 */
export const creditsPerGb = 0.0037

export function creditsOf(bytes: number): number {
  return (bytes / 1e9) * creditsPerGb
}

export function creditsText(credits: number): string {
  if (credits === 0) return 'nothing'
  return credits < 0.001 ? 'less than 0.001 credits' : `${credits.toFixed(3)} credits`
}
