/**
 * Which objects there are. Kept in memory for every statement to ask, written through to the store in the transaction that
 * changes them. Names are whole here; how a session completes a short one is in name-resolution.ts.
 */
import type { Column } from '../sql/scope.ts'
import type { ColumnDefinition, CopyInto, Fragment, Name, ObjectKind, Statement } from '../sql/statement.ts'
import type { Connection } from './store.ts'
import type { Transaction } from './transaction.ts'

export type StoredColumn = Column &
  Pick<ColumnDefinition, 'nullable' | 'comment'> & {
    /** text of DEFAULT, for DESC TABLE; missing where there is none. The store's own default does the work. */
    readonly defaultText?: string
  }

type Commented = { readonly comment: string | null }
export type TaskDefinition = Pick<
  Extract<Statement, { kind: 'create task' }>,
  | 'warehouse'
  | 'managedSize'
  | 'targetCompletion'
  | 'schedule'
  | 'everySeconds'
  | 'cron'
  | 'triggerSeconds'
  | 'suspendAfterFailures'
  | 'whenStream'
  | 'condition'
  | 'body'
  | 'definition'
> & {
  readonly state: 'started' | 'suspended'
  /** intervals count from here; null where it was never resumed */
  readonly resumedMs: number | null
  /** failures in a row */
  readonly failures: number
  readonly suspendedReason: string | null
}

/** What an object is, beyond its name. */
export type Definitions = {
  readonly database: Commented
  readonly schema: Commented
  readonly table: Commented & { readonly columns: readonly StoredColumn[] }
  readonly view: Commented & {
    readonly query: Fragment
    readonly text: string
    readonly columns: readonly Column[]
    /** where short names within it resolve */
    readonly within: { readonly database: string | null; readonly schema: string | null }
  }
  readonly 'file format': Commented & { readonly options: Readonly<Record<string, string>> }
  readonly stage: Commented & {
    readonly url: string
    readonly storageIntegration: string
    readonly fileFormat: Name | null
  }
  readonly pipe: Commented & {
    readonly copy: CopyInto
    readonly definition: string
    readonly autoIngest: boolean
    readonly paused: boolean
    /** since when; null where it is not */
    readonly pausedMs: number | null
  }
  readonly stream: Commented & { readonly table: Name; readonly tableId: number }
  readonly task: Commented & TaskDefinition
  readonly role: Commented
  readonly integration: Commented & {
    /** null: made by whoever started the development warehouse */
    readonly roleArn: string | null
    readonly allowedLocations: readonly string[]
  }
  readonly warehouse: Commented
}

/** `name` has as many parts as the kind needs: 1 for what belongs to the account, 2 for a schema, 3 for what lies in one. */
export type CatalogObject<K extends ObjectKind = ObjectKind> = {
  readonly id: number
  readonly kind: K
  readonly name: Name
  readonly createdMs: number
  /** a role; '' for the roles that every account has */
  readonly owner: string
  readonly definition: Definitions[K]
}

export class Catalog {
  readonly #objects = new Map<string, CatalogObject>()
  readonly #byId = new Map<number, CatalogObject>()

  /** Reads what the store holds. */
  static async load(connection: Connection): Promise<Catalog> {
    const catalog = new Catalog()
    const { rows } = await connection.run(
      'SELECT id, kind, name, created_ms, definition, owner FROM _catalog.objects ORDER BY id',
    )
    for (const [id, kind, name, createdMs, definition, owner] of rows) {
      const object = {
        id: Number(id),
        kind: kind as ObjectKind,
        name: JSON.parse(name ?? '') as Name,
        createdMs: Number(createdMs),
        owner: owner ?? '',
        definition: JSON.parse(definition ?? '') as Definitions[ObjectKind],
      }
      catalog.#put(object)
    }
    return catalog
  }

  get(id: number): CatalogObject | null {
    return this.#byId.get(id) ?? null
  }

  find<K extends ObjectKind>(kind: K, name: Name): CatalogObject<K> | null {
    return (this.#objects.get(keyOf(kind, name)) as CatalogObject<K> | undefined) ?? null
  }

  /** In the order of their names. */
  list<K extends ObjectKind>(kind: K): readonly CatalogObject<K>[] {
    const found = [...this.#objects.values()].filter((object) => object.kind === kind) as unknown as CatalogObject<K>[]
    return found.sort((a, b) => (keyOf(kind, a.name) < keyOf(kind, b.name) ? -1 : 1))
  }

  /** Everything that lies in a database or schema, itself excluded. */
  within(container: Name): readonly CatalogObject[] {
    return [...this.#objects.values()].filter(
      ({ name }) => name.length > container.length && container.every((part, index) => part === name[index]),
    )
  }

  ownedBy(role: string): readonly CatalogObject[] {
    return [...this.#objects.values()].filter(({ owner }) => owner === role)
  }

  /** Tables, views and streams share their names: each may stand after FROM. */
  relation(name: Name): CatalogObject<'table'> | CatalogObject<'view'> | CatalogObject<'stream'> | null {
    return this.find('table', name) ?? this.find('view', name) ?? this.find('stream', name)
  }

  async create<K extends ObjectKind>(
    transaction: Transaction,
    object: Omit<CatalogObject<K>, 'id'>,
  ): Promise<CatalogObject<K>> {
    const { rows } = await transaction.write(`SELECT nextval('_catalog.ids')`)
    const created = { ...object, id: Number(rows[0]?.[0]) }
    await transaction.write(
      `INSERT INTO _catalog.objects VALUES (
        CAST($id AS BIGINT), $kind, $name, CAST($created AS BIGINT), $definition, $owner)`,
      {
        id: String(created.id),
        kind: created.kind,
        name: JSON.stringify(created.name),
        created: String(created.createdMs),
        definition: JSON.stringify(created.definition),
        owner: created.owner,
      },
    )
    transaction.afterCommit(() => {
      this.#put(created)
    })
    return created
  }

  async change<K extends ObjectKind>(
    transaction: Transaction,
    object: CatalogObject<K>,
    definition: Definitions[K],
  ): Promise<void> {
    await transaction.write('UPDATE _catalog.objects SET definition = $definition WHERE id = CAST($id AS BIGINT)', {
      id: String(object.id),
      definition: JSON.stringify(definition),
    })
    transaction.afterCommit(() => {
      this.#put({ ...object, definition })
    })
  }

  /** Gives an object to another role. */
  async transfer(transaction: Transaction, object: CatalogObject, owner: string): Promise<void> {
    await transaction.write('UPDATE _catalog.objects SET owner = $owner WHERE id = CAST($id AS BIGINT)', {
      id: String(object.id),
      owner,
    })
    transaction.afterCommit(() => {
      this.#put({ ...object, owner })
    })
  }

  async remove(transaction: Transaction, object: CatalogObject): Promise<void> {
    await transaction.write('DELETE FROM _catalog.objects WHERE id = CAST($id AS BIGINT)', { id: String(object.id) })
    transaction.afterCommit(() => {
      const key = keyOf(object.kind, object.name)
      if (this.#objects.get(key)?.id === object.id) this.#objects.delete(key)
      this.#byId.delete(object.id)
    })
  }

  #put(object: CatalogObject): void {
    this.#objects.set(keyOf(object.kind, object.name), object)
    this.#byId.set(object.id, object)
  }
}

function keyOf(kind: ObjectKind, name: Name): string {
  return JSON.stringify([kind, ...name])
}
