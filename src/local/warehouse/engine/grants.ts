/**
 * Which privileges were granted on what, to whom. Kept in memory for every statement to ask, written through to the store in
 * the transaction that changes them. A role that was granted is USAGE on that role. What privileges allow is access.ts's.
 */
import type { Grantee } from '../sql/grant-statement.ts'
import type { ObjectKind } from '../sql/statement.ts'
import type { Privilege } from './privileges.ts'
import type { Connection } from './store.ts'
import type { Transaction } from './transaction.ts'

export type Grant = {
  /** of the catalogue; `accountId` for the account */
  readonly objectId: number
  readonly privilege: Privilege
  readonly grantee: Grantee
  readonly grantedBy: string
  readonly createdMs: number
}

/** Given on every object of the kind as it is made in the schema. */
export type FutureGrant = {
  readonly schemaId: number
  readonly kind: ObjectKind
  readonly privilege: Privilege
  readonly role: string
  readonly grantedBy: string
}

export class Grants {
  /** by object, since each statement asks for some objects' grants */
  readonly #grants = new Map<number, Map<string, Grant>>()
  readonly #futures = new Map<string, FutureGrant>()

  /** Reads what the store holds. */
  static async load(connection: Connection): Promise<Grants> {
    const grants = new Grants()
    const given = await connection.run(
      'SELECT object_id, privilege, grantee_kind, grantee, granted_by, created_ms FROM _catalog.grants',
    )
    for (const [objectId, privilege, kind, name, grantedBy, createdMs] of given.rows) {
      const grant: Grant = {
        objectId: Number(objectId),
        privilege: privilege as Privilege,
        grantee: { kind: kind as Grantee['kind'], name: name ?? '' },
        grantedBy: grantedBy ?? '',
        createdMs: Number(createdMs),
      }
      grants.#put(grant)
    }
    const futures = await connection.run(
      'SELECT schema_id, kind, privilege, grantee, granted_by FROM _catalog.future_grants',
    )
    for (const [schemaId, kind, privilege, role, grantedBy] of futures.rows) {
      const future: FutureGrant = {
        schemaId: Number(schemaId),
        kind: kind as ObjectKind,
        privilege: privilege as Privilege,
        role: role ?? '',
        grantedBy: grantedBy ?? '',
      }
      grants.#futures.set(futureKeyOf(future), future)
    }
    return grants
  }

  on(objectId: number): readonly Grant[] {
    return [...(this.#grants.get(objectId)?.values() ?? [])]
  }

  to({ kind, name }: Grantee): readonly Grant[] {
    const all = [...this.#grants.values()].flatMap((ofObject) => [...ofObject.values()])
    return all.filter(({ grantee }) => grantee.kind === kind && grantee.name === name)
  }

  futures(schemaId: number, kind: ObjectKind): readonly FutureGrant[] {
    return [...this.#futures.values()].filter((future) => future.schemaId === schemaId && future.kind === kind)
  }

  /** What was granted before stays as it was. */
  async add(transaction: Transaction, grant: Grant): Promise<void> {
    if (this.#grants.get(grant.objectId)?.has(keyOf(grant)) === true) return
    await transaction.write(
      `INSERT INTO _catalog.grants VALUES (
        CAST($id AS BIGINT), $privilege, $kind, $grantee, $by, CAST($created AS BIGINT))`,
      { ...parametersOf(grant), by: grant.grantedBy, created: String(grant.createdMs) },
    )
    transaction.afterCommit(() => {
      this.#put(grant)
    })
  }

  async remove(transaction: Transaction, grant: Pick<Grant, 'objectId' | 'privilege' | 'grantee'>): Promise<void> {
    await transaction.write(
      `DELETE FROM _catalog.grants WHERE object_id = CAST($id AS BIGINT) AND privilege = $privilege
       AND grantee_kind = $kind AND grantee = $grantee`,
      parametersOf(grant),
    )
    transaction.afterCommit(() => this.#grants.get(grant.objectId)?.delete(keyOf(grant)))
  }

  async addFuture(transaction: Transaction, future: FutureGrant): Promise<void> {
    if (this.#futures.has(futureKeyOf(future))) return
    await transaction.write(
      'INSERT INTO _catalog.future_grants VALUES (CAST($id AS BIGINT), $kind, $privilege, $grantee, $by)',
      { ...futureParametersOf(future), by: future.grantedBy },
    )
    transaction.afterCommit(() => this.#futures.set(futureKeyOf(future), future))
  }

  async removeFuture(transaction: Transaction, future: Omit<FutureGrant, 'grantedBy'>): Promise<void> {
    await transaction.write(
      `DELETE FROM _catalog.future_grants WHERE schema_id = CAST($id AS BIGINT) AND kind = $kind
       AND privilege = $privilege AND grantee = $grantee`,
      futureParametersOf(future),
    )
    transaction.afterCommit(() => this.#futures.delete(futureKeyOf(future)))
  }

  /** All that was granted on an object that goes. */
  async forgetObject(transaction: Transaction, objectId: number): Promise<void> {
    for (const grant of this.on(objectId)) await this.remove(transaction, grant)
    for (const future of this.#futures.values()) {
      if (future.schemaId === objectId) await this.removeFuture(transaction, future)
    }
  }

  /** All that was granted to a role that goes. */
  async forgetRole(transaction: Transaction, role: string): Promise<void> {
    for (const grant of this.to({ kind: 'role', name: role })) await this.remove(transaction, grant)
    for (const future of this.#futures.values()) {
      if (future.role === role) await this.removeFuture(transaction, future)
    }
  }

  #put(grant: Grant): void {
    const ofObject = this.#grants.get(grant.objectId) ?? new Map<string, Grant>()
    this.#grants.set(grant.objectId, ofObject.set(keyOf(grant), grant))
  }
}

function keyOf({ objectId, privilege, grantee }: Pick<Grant, 'objectId' | 'privilege' | 'grantee'>): string {
  return JSON.stringify([objectId, privilege, grantee.kind, grantee.name])
}

function futureKeyOf({ schemaId, kind, privilege, role }: Omit<FutureGrant, 'grantedBy'>): string {
  return JSON.stringify([schemaId, kind, privilege, role])
}

function parametersOf({ objectId, privilege, grantee }: Pick<Grant, 'objectId' | 'privilege' | 'grantee'>) {
  return { id: String(objectId), privilege, kind: grantee.kind, grantee: grantee.name }
}

function futureParametersOf({ schemaId, kind, privilege, role }: Omit<FutureGrant, 'grantedBy'>) {
  return { id: String(schemaId), kind, privilege, grantee: role }
}
