import { ProblemError } from './problem.js'
import type { TokenPair } from './schema.gen.js'

export type Tokens = Pick<TokenPair, 'access' | 'refresh'>

/** Where the tokens are kept: in memory unless something else is given, such as a `sessionStorage`. */
export interface TokenStore {
  load(): Tokens | null
  save(tokens: Tokens | null): void
}

export function inMemory(): TokenStore {
  let kept: Tokens | null = null
  return { load: () => kept, save: (tokens) => (kept = tokens) }
}

/**
 * Holds the tokens of whoever is signed in, and exchanges them in time. A refresh token is worth nothing as
 * soon as its successor is used, so that there is one exchange at a time: of this session, and of all
 * pages of a browser that share a store.
 */
export class Session {
  #exchange: Promise<string | null> | null = null
  #renewAt = 0
  #timed = ''

  constructor(
    private readonly store: TokenStore,
    private readonly refresh: (refresh: string) => Promise<Tokens>,
    private readonly ended: (problem: ProblemError) => void,
  ) {}

  /** Begins with the tokens of a sign-in, or ends with null. */
  set(tokens: Tokens | null): void {
    this.store.save(tokens)
    if (tokens) this.#time(tokens.access)
  }

  /** The access token, renewed when it is about to expire; null when nobody is signed in. */
  async token(): Promise<string | null> {
    const tokens = this.store.load()
    if (!tokens) return null
    if (this.#timed !== tokens.access) this.#time(tokens.access)
    return Date.now() < this.#renewAt ? tokens.access : this.renew(tokens.access)
  }

  /** The successor of an access token that was refused or is about to expire; null when the session has ended. */
  renew(used: string): Promise<string | null> {
    this.#exchange ??= alone(() => this.#exchanged(used)).finally(() => (this.#exchange = null))
    return this.#exchange
  }

  async #exchanged(used: string): Promise<string | null> {
    const tokens = this.store.load()
    if (!tokens || tokens.access !== used) return tokens?.access ?? null // another page was faster
    try {
      const pair = await this.refresh(tokens.refresh)
      if (this.store.load()?.access === used) this.set(pair) // nobody signed out meanwhile
      return this.store.load()?.access ?? null
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== 401) throw error
      this.store.save(null)
      this.ended(error)
      return null
    }
  }

  /**
   * A token is renewed a minute before it expires, or at half the life of a short one. The life is counted
   * from now, so that a wrong clock here does no harm; a token that is older than it seems is refused, and
   * then renewed.
   */
  #time(access: string): void {
    const claims = JSON.parse(atob((access.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')))
    const life = claims.exp - (claims.iat ?? Date.now() / 1000)
    this.#timed = access
    this.#renewAt = Date.now() + Math.max(life - 60, life / 2) * 1000
  }
}

/** One at a time among all pages of a browser. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  const locks = globalThis.navigator?.locks
  return locks ? (locks.request('chelal-client', work) as Promise<T>) : work()
}
