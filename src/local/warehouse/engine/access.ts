/**
 * What a role may know of and do. Every name in a statement becomes an object here, so that no statement can reach one past
 * its privileges; whoever resolves a name says what the statement takes of the object:
 * `access.existing('stage', name, 'USAGE')`, `access.existing('table', name, 'INSERT')`. USAGE on the database and the schema
 * around is asked along with it.
 *
 * A role that holds nothing on an object is told that there is none (002003); one that holds something, but not what it
 * takes, that this does not suffice (003001).
 */
import type { CatalogObject } from './catalog.ts'
import type { Core } from './core.ts'
import { missing, nameText, type Place, wholeName } from '../sql/name-resolution.ts'
import type { Grantee } from '../sql/grant-statement.ts'
import { type Name, type ObjectKind, SqlError } from '../sql/statement.ts'
import { accountId, type AccountPrivilege, type Privilege, privilegeToCreate } from './privileges.ts'

/** A privilege that a statement takes, or several of which any one will do. The owner has them all. */
export type Need = Privilege | readonly Privilege[]

type Relation = CatalogObject<'table'> | CatalogObject<'view'> | CatalogObject<'stream'>

/** The roles whose privileges a role or user has: its own, those granted to it, and so on, and PUBLIC. */
export function inheritedRoles(
  { catalog, grants }: Pick<Core, 'catalog' | 'grants'>,
  start: Grantee,
): ReadonlySet<string> {
  const found = new Set(start.kind === 'role' ? [start.name, 'PUBLIC'] : ['PUBLIC'])
  const waiting: Grantee[] = [start, { kind: 'role', name: 'PUBLIC' }]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    for (const { objectId } of grants.to(next)) {
      const object = catalog.get(objectId)
      const name = object?.kind === 'role' ? object.name[0] : undefined
      if (name === undefined || found.has(name)) continue
      found.add(name)
      waiting.push({ kind: 'role', name })
    }
  }
  return found
}

export class Access {
  /** owns what it makes */
  readonly role: string
  /** where short names resolve */
  readonly place: Place
  readonly #core: Core
  readonly #roles: ReadonlySet<string>

  constructor(core: Core, role: string, place: Place) {
    this.#core = core
    this.role = role
    this.place = place
    this.#roles = inheritedRoles(core, { kind: 'role', name: role })
  }

  /** For what runs with its owner's rights. */
  as(role: string, place: Place): Access {
    return new Access(this.#core, role, place)
  }

  /** The object of a name. @throws SqlError 002003, 003001; without needs, any privilege on it will do */
  existing<K extends ObjectKind>(kind: K, name: Name, ...needs: readonly Need[]): CatalogObject<K> {
    const whole = wholeName(kind, name, this.place)
    this.#enter(whole)
    const object = this.#core.catalog.find(kind, whole)
    if (!object) throw missing(kind, whole)
    this.#checkItself(object, needs)
    return object
  }

  /** The table, view or stream of a name. @throws SqlError 002003, 003001 */
  relation(name: Name, ...needs: readonly Need[]): Relation {
    const whole = wholeName('table', name, this.place)
    this.#enter(whole)
    const object = this.#core.catalog.relation(whole)
    if (!object || !this.#knowsItself(object)) throw missing('object', whole)
    this.#checkItself(object, needs)
    return object
  }

  /** The object of a name; null where there is none that the role may know of. */
  find<K extends ObjectKind>(kind: K, name: Name): CatalogObject<K> | null {
    const object = this.#core.catalog.find(kind, wholeName(kind, name, this.place))
    return object && this.knows(object) ? object : null
  }

  /** Whether the role may know that the object is there. Who manages grants sees all. */
  knows(object: CatalogObject): boolean {
    if (this.managesGrants) return true
    return (
      this.#knowsItself(object) && this.#containers(object.name).every((container) => this.#holds(container, 'USAGE'))
    )
  }

  /** Whether the role may do on the object what takes these privileges. */
  may(object: CatalogObject, ...needs: readonly Need[]): boolean {
    const inside = this.#containers(object.name).every((container) => this.#holds(container, 'USAGE'))
    return inside && needs.every((need) => this.#meets(object, need))
  }

  mayOnAccount(privilege: AccountPrivilege): boolean {
    if (this.#roles.has('ACCOUNTADMIN')) return true
    return this.#core.grants
      .on(accountId)
      .some(({ privilege: held, grantee }) => held === privilege && this.#roles.has(grantee.name))
  }

  /** Such a role grants on any object as if it were its owner, and sees all that is there. */
  get managesGrants(): boolean {
    return this.mayOnAccount('MANAGE GRANTS')
  }

  get isAdministrator(): boolean {
    return this.#roles.has('ACCOUNTADMIN')
  }

  /** The role itself, and those whose privileges it has. */
  inherits(role: string): boolean {
    return this.#roles.has(role)
  }

  /** The same as `may`, for an object that did not come from a name. @throws SqlError 002003, 003001 */
  check(object: CatalogObject, ...needs: readonly Need[]): void {
    this.#enter(object.name)
    this.#checkItself(object, needs)
  }

  /** @throws SqlError 003001 */
  checkAccount(privilege: AccountPrivilege): void {
    if (!this.mayOnAccount(privilege)) throw insufficient('account', ['LOCAL'])
  }

  /** The role may make an object of that whole name, if there is none yet. @throws SqlError 002003, 003001 */
  checkCreate(kind: ObjectKind, whole: Name): void {
    const privilege = privilegeToCreate(kind)
    if (whole.length === 1) {
      this.checkAccount(privilege as AccountPrivilege)
      return
    }
    this.#enter(whole)
    const container = this.#containers(whole).at(-1)
    if (container) this.#checkItself(container, [privilege])
  }

  /** The object of a name that the role may grant privileges on: its own, or any for who manages grants. @throws SqlError */
  grantable<K extends ObjectKind>(kind: K, name: Name): CatalogObject<K> {
    if (!this.managesGrants) return this.existing(kind, name, 'OWNERSHIP')
    const whole = wholeName(kind, name, this.place)
    const object = this.#core.catalog.find(kind, whole)
    if (!object) throw missing(kind, whole)
    return object
  }

  /** @throws SqlError unless database and schema of a name are there and may be used */
  #enter(whole: Name): void {
    const { catalog } = this.#core
    const [database = '', schema = ''] = whole
    if (whole.length > 1) this.#use(catalog.find('database', [database]), 'database', [database])
    if (whole.length > 2) this.#use(catalog.find('schema', [database, schema]), 'schema', [database, schema])
  }

  #use(container: CatalogObject | null, kind: 'database' | 'schema', name: Name): void {
    if (!container) throw missing(kind, name)
    this.#checkItself(container, ['USAGE'])
  }

  #containers(whole: Name): readonly CatalogObject[] {
    const { catalog } = this.#core
    const [database = '', schema = ''] = whole
    const found = [
      whole.length > 1 ? catalog.find('database', [database]) : null,
      whole.length > 2 ? catalog.find('schema', [database, schema]) : null,
    ]
    return found.filter((container) => container !== null)
  }

  #checkItself(object: CatalogObject, needs: readonly Need[]): void {
    if (!this.#knowsItself(object)) throw missing(object.kind, object.name)
    if (!needs.every((need) => this.#meets(object, need))) throw insufficient(object.kind, object.name)
  }

  #meets(object: CatalogObject, need: Need): boolean {
    return typeof need === 'string' ? this.#holds(object, need) : need.some((one) => this.#holds(object, one))
  }

  #holds(object: CatalogObject, privilege: Privilege): boolean {
    return this.#owns(object) || this.#given(object).some((grant) => grant.privilege === privilege)
  }

  #knowsItself(object: CatalogObject): boolean {
    const itself = object.kind === 'role' && this.#roles.has(object.name[0] ?? '')
    return this.managesGrants || itself || this.#owns(object) || this.#given(object).length > 0
  }

  #owns(object: CatalogObject): boolean {
    return this.#roles.has('ACCOUNTADMIN') || this.#roles.has(object.owner)
  }

  #given(object: CatalogObject) {
    const { grants } = this.#core
    return grants.on(object.id).filter(({ grantee }) => grantee.kind === 'role' && this.#roles.has(grantee.name))
  }
}

export function insufficient(what: ObjectKind | 'account', name: Name): SqlError {
  const text = `Insufficient privileges to operate on ${what} '${nameText(name.slice(-1))}'.`
  return new SqlError('003001', '42501', `SQL access control error:\n${text}`)
}
