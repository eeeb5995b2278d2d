/**
 * How deep a parsed expression or query is. Long chains of operators parse without going deeper, but whoever follows the
 * tree does; and DuckDB takes no deeper one.
 */
const depthMax = 1000

/** Follows it without recursion. */
export function isTooDeep(tree: unknown): boolean {
  const open: { readonly node: unknown; readonly depth: number }[] = [{ node: tree, depth: 0 }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, depth } = next
    if (typeof node !== 'object' || node === null) continue
    const below = 'kind' in node ? depth + 1 : depth
    if (below > depthMax) return true
    for (const child of Object.values(node)) open.push({ node: child, depth: below })
  }
  return false
}
