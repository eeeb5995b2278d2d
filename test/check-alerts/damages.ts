/**
 * Rules that are wrong in one place each: the unit tests must see it. Where they would not, they could not fail. Pure.
 */
import type { Rule } from './rules.ts'

export type Damage = { readonly what: string; readonly damaged: Rule }

export function damagesOf(rule: Rule): readonly Damage[] {
  const { for: lasts, ...atOnce } = rule
  const change = (what: string, from: RegExp, to: string) => {
    const expr = rule.expr.replace(from, to)
    return expr === rule.expr ? [] : [{ what, damaged: { ...rule, expr } }]
  }
  return [
    { what: 'never fires', damaged: { ...rule, expr: `(${rule.expr}) and vector(1) > 2` } },
    ...(lasts === undefined ? [] : [{ what: 'fires at once', damaged: atOnce }]),
    ...change('fires at any value', /\) > \d+/, ') >= 0'),
    ...change('fires at any value', /(reachable\)?|connected|partitions\)) == 0/, '$1 >= 0'),
    ...change('looks at every finding', /\{code=[^}]*\}/, ''),
    ...change('first unless is gone', /\n\s*unless (?:on \([^)]*\)\s+)?max by \([^)]*\)\s*\([^)]*\) \S+ \d+/, ''),
    ...change('last unless is gone', /\n\s*unless (?:on \([^)]*\)\s+)?max by \([^)]*\) \([^)]*\) \S+ \d+$/, ''),
    ...change('last or is gone', /\n\s*or [^\n]+/, ''),
    ...change('looks at one moment', /\n\s*and [^\n]+ offset 10m\) > 0/, ''),
    ...change('bound is another', /> 0\.8/, '> 0.99'),
    ...change('a process alone', /max by \(namespace, job\) \(firn_warehouse_reachable\)/, 'firn_warehouse_reachable'),
  ]
}
