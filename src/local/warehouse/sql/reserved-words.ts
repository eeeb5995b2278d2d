/**
 * Words that are no name, or no alias, when they are written bare.
 */
const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

/** Snowflake's reserved words, as far as the set of statements has a use for them. */
export const reserved = words(
  `ALL ALTER AND ANY AS BETWEEN BY CASE CAST CHECK COLUMN CONNECT CONSTRAINT CREATE CROSS CURRENT DELETE DISTINCT DROP ELSE EXISTS
   FALSE FOLLOWING FOR FROM FULL GRANT GROUP HAVING ILIKE IN INNER INSERT INTERSECT INTO IS JOIN LATERAL LEFT LIKE MINUS NATURAL
   NOT NULL OF ON OR ORDER QUALIFY REGEXP REVOKE RIGHT RLIKE ROW ROWS SAMPLE SELECT SET SOME START TABLE TABLESAMPLE THEN TO
   TRIGGER TRUE TRY_CAST UNION UNIQUE UPDATE USING VALUES WHEN WHERE WITH`,
)

const clauseWords = words('LIMIT OFFSET FETCH EXCEPT WINDOW PIVOT UNPIVOT ASOF END MATCHED OVER')

/** An alias without AS must not swallow the next clause. */
export function mayBeAlias(word: string): boolean {
  return !reserved.has(word) && !clauseWords.has(word)
}
