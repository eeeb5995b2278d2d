/**
 * What of Firn's scripts the development warehouse understands: it knows neither roles nor cron expressions.
 */

/** The statements without grants, and with a plain interval in place of each cron expression. */
export function understood(statements: readonly string[]): readonly string[] {
  return statements
    .filter((statement) => !statement.startsWith('GRANT '))
    .map((statement) => statement.replaceAll(/SCHEDULE = 'USING CRON [^']*'/g, "SCHEDULE = '24 HOURS'"))
}
