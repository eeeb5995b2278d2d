/**
 * How a name of the configuration becomes a name in Snowflake: when it is quoted, and what Firn's own objects for it are
 * called. Which objects there are is in warehouse/names.ts.
 */

/** Words that Snowflake refuses as a bare name of an object (its list of reserved keywords). */
const reserved = new Set(
  `ACCOUNT ALL ALTER AND ANY AS BETWEEN BY CASE CAST CHECK COLUMN CONNECT CONNECTION CONSTRAINT CREATE CROSS CURRENT
  CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DATABASE DELETE DISTINCT DROP ELSE EXISTS FALSE FOLLOWING FOR
  FROM FULL GRANT GROUP GSCLUSTER HAVING ILIKE IN INCREMENT INNER INSERT INTERSECT INTO IS ISSUE JOIN LATERAL LEFT LIKE
  LOCALTIME LOCALTIMESTAMP MINUS NATURAL NOT NULL OF ON OR ORDER ORGANIZATION QUALIFY REGEXP REVOKE RIGHT RLIKE ROW ROWS
  SAMPLE SCHEMA SELECT SET SOME START TABLE TABLESAMPLE THEN TO TRIGGER TRUE TRY_CAST UNION UNIQUE UPDATE USING VALUES
  VIEW WHEN WHENEVER WHERE WITH`.split(/\s+/),
)

/** A name as SQL writes it: bare where that means the same, quoted otherwise. `Mixed` and `MIXED` stay two names. */
export function identifier(name: string): string {
  if (/^[A-Z_][A-Z0-9_$]*$/.test(name) && !reserved.has(name)) return name
  return `"${name.replaceAll('"', '""')}"`
}

/** What names of Firn's own objects begin with: `shop.customers` → `SHOP_CUSTOMERS`. Two names may share a stem. */
export function stemOf(name: string): string {
  const stem = name.toUpperCase().replace(/[^A-Z0-9_]/g, '_')
  return /^\d/.test(stem) ? `_${stem}` : stem
}
