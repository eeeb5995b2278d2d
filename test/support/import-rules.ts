/**
 * The rules of the source tree as a checker: who may import whom, where each vendor's package is at home, and that only
 * main.ts ends the process. Judges texts, so that it can be shown files that break a rule.
 */
import { posix } from 'node:path'
import ts from 'typescript'

/** `path` from the project's root, such as `src/kafka/client.ts`. */
export type SourceFile = { readonly path: string; readonly text: string }

/** From the top down. A layer imports those below it; folders of one layer do not import each other. */
const layers: readonly (readonly string[])[] = [
  ['main'],
  ['commands'],
  // A replay makes the same files as the live path and asks the warehouse what they would change there.
  ['backfill'],
  ['ingest', 'warehouse', 'audit', 'status', 'local'],
  ['kafka', 'stage', 'snowflake', 'envelope'],
  ['root'],
]

/** Within the layers: the halves touch Kafka or Snowflake, never both. */
const forbidden: Readonly<Record<string, readonly string[]>> = { ingest: ['snowflake'], warehouse: ['kafka'] }

/** Where each package may be imported: a folder (ends in /) or one file. */
const homes: Readonly<Record<string, string>> = {
  '@aws-sdk/client-s3': 'src/stage/',
  '@aws-sdk/credential-provider-node': 'src/kafka/msk-token.ts',
  '@duckdb/node-api': 'src/local/warehouse/',
  '@node-rs/crc32': 'src/kafka/',
  '@smithy/signature-v4': 'src/kafka/msk-token.ts',
  kafkajs: 'src/kafka/',
  'lz4-napi': 'src/kafka/',
  'node-cron': 'src/status/',
  'parquetjs-lite': 'src/ingest/parquet.ts',
  pino: 'src/telemetry.ts',
  'pino-pretty': 'src/telemetry.ts',
  'prom-client': 'src/telemetry.ts',
  snappy: 'src/snappy.ts',
  'snowflake-sdk': 'src/snowflake/',
  yaml: 'src/config-source.ts',
  zod: 'src/config.ts',
}

/** One line for each break of a rule. */
export function brokenRules(files: readonly SourceFile[]): readonly string[] {
  return files.flatMap((file) => {
    const broken: string[] = []
    const source = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true)
    visit(source, (node) => {
      const imported = importedBy(node)
      const why = imported === null ? null : judge(file.path, imported)
      if (why !== null) broken.push(`${file.path}: ${why}`)
      if (endsProcess(node) && file.path !== 'src/main.ts') broken.push(`${file.path}: ends the process`)
    })
    return broken
  })
}

function visit(node: ts.Node, look: (node: ts.Node) => void): void {
  look(node)
  node.forEachChild((child) => {
    visit(child, look)
  })
}

/** What an import, a re-export, a dynamic import, a require or an import type names; null for any other node. */
function importedBy(node: ts.Node): string | null {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier)
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : null
  if (!ts.isCallExpression(node)) return null
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require'
  return isImport || isRequire ? literal(node.arguments[0]) : null
}

function literal(node: ts.Node | undefined): string | null {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : null
}

function judge(path: string, imported: string): string | null {
  if (imported.startsWith('node:')) return null
  if (!imported.startsWith('.')) return judgePackage(path, imported)
  const target = posix.join(posix.dirname(path), imported)
  if (!target.startsWith('src/')) return `imports ${target}, which lies outside src/`
  const [from, to] = [placeOf(path), placeOf(target)]
  if (from === to) return null
  const [above, below] = [from, to].map((place) => layers.findIndex((layer) => layer.includes(place)))
  if (above === undefined || below === undefined || above < 0 || below < 0) return `no layer holds ${from} or ${to}`
  if (below < above) return `${from} imports ${to}, which lies above it`
  if (below === above) return `${from} imports ${to}, which lies beside it`
  if (forbidden[from]?.includes(to) === true) return `${from} imports ${to}: the halves never meet`
  return null
}

function judgePackage(path: string, imported: string): string | null {
  const name = imported.split('/', imported.startsWith('@') ? 2 : 1).join('/')
  const home = homes[name]
  if (home === undefined) return `imports ${name}, which has no home`
  if (home.endsWith('/') ? path.startsWith(home) : path === home) return null
  return `imports ${name}, which is at home in ${home}`
}

/** `src/kafka/client.ts` → `kafka`, `src/change.ts` → `root` */
function placeOf(path: string): string {
  const [, first = '', second] = path.split('/')
  if (second !== undefined) return first
  return first === 'main.ts' ? 'main' : 'root'
}

/** `process.exit`, also by its name in brackets, taken out of `process`, or imported. */
function endsProcess(node: ts.Node): boolean {
  const isExit = (name: ts.Node | undefined): boolean =>
    name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteralLike(name)) && name.text === 'exit'
  const isProcess = (value: ts.Node | undefined): boolean =>
    value !== undefined && ts.isIdentifier(value) && value.text === 'process'
  if (ts.isPropertyAccessExpression(node)) return isProcess(node.expression) && isExit(node.name)
  if (ts.isElementAccessExpression(node)) return isProcess(node.expression) && isExit(node.argumentExpression)
  if (ts.isBindingElement(node)) {
    const declaration = node.parent.parent
    return (
      isExit(node.propertyName ?? node.name) &&
      ts.isVariableDeclaration(declaration) &&
      isProcess(declaration.initializer)
    )
  }
  if (!ts.isImportSpecifier(node) || !isExit(node.propertyName ?? node.name)) return false
  return /^(node:)?process$/.test(literal(node.parent.parent.parent.moduleSpecifier) ?? '')
}
