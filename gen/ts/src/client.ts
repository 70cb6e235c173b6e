import createClient, { type Client } from 'openapi-fetch'
import { listen, type LiveOptions } from './live.js'
import { ProblemError } from './problem.js'
import { inMemory, Session, type TokenStore } from './session.js'
import { send } from './transport.js'
import type { Call, Filters, Item, ListPath, LiveEvent, Topic, Verb } from './types.js'
import type { paths, SignedIn, SignIn } from './schema.gen.js'

export interface ChelalOptions {
  /** Where the server is; in a browser, the page's own host unless it is said. */
  baseUrl?: string
  /** Where the tokens are kept; in memory unless it is said. */
  tokens?: TokenStore
  /** Called when the session has ended without signing out: it expired, or an Admin ended it. */
  onSignedOut?: (problem: ProblemError) => void
  /** Answers 429 and 503 are waited for up to so many seconds, and the request is repeated; 10 unless it is said. */
  longestWait?: number
  fetch?: (request: Request) => Promise<Response>
  WebSocket?: typeof WebSocket
}

/**
 * The client of a CHELAL server. Its methods take paths of the contract, check parameters and bodies against
 * their types, and answer what the operation answers; everything else is thrown: a ProblemError that the
 * server said, a ConnectionError, or what the caller's `signal` was aborted with.
 */
export class Chelal {
  /** The same with the whole response: its status and headers, and bodies as streams. */
  readonly raw: Client<paths>
  readonly #session: Session
  readonly #baseUrl: string
  readonly #WebSocket: typeof WebSocket

  constructor(options: ChelalOptions = {}) {
    this.#baseUrl = new URL(options.baseUrl ?? '/', globalThis.location?.href).href
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket
    this.#session = new Session(
      options.tokens ?? inMemory(),
      (refresh) => this.post('/api/auth/refresh/', { body: { refresh } }),
      (problem) => options.onSignedOut?.(problem),
    )
    const transport = {
      fetch: options.fetch ?? ((request: Request) => globalThis.fetch(request)),
      session: this.#session,
      longestWait: options.longestWait ?? 10,
    }
    this.raw = createClient<paths>({ baseUrl: this.#baseUrl, fetch: (request) => send(transport, request) })
  }

  /** Signs in. With two-factor, a ProblemError with the code `otp_required` asks for `otp`. */
  async signIn(who: SignIn): Promise<SignedIn['user']> {
    const { user, access, refresh } = await this.post('/api/auth/', { body: who })
    this.#session.set({ access, refresh })
    return user
  }

  /** Ends the session here whatever becomes of it there, where it expires. */
  async signOut(): Promise<void> {
    try {
      await this.post('/api/auth/logout/')
    } finally {
      this.#session.set(null)
    }
  }

  readonly get = this.#call('get')
  readonly post = this.#call('post')
  readonly put = this.#call('put')
  readonly patch = this.#call('patch')
  readonly delete = this.#call('delete')

  #call<M extends Verb>(verb: M): Call<M> {
    const ask = async (path: string, init?: object) => (await this.raw.request(verb.toUpperCase() as M, path as never, init as never)).data
    return ask as Call<M>
  }

  /** Walks through a list to its end, neither repeating nor skipping a row when others are added meanwhile. */
  async *all<P extends ListPath>(path: P, query?: Filters<P>, signal?: AbortSignal): AsyncGenerator<Item<P>, void> {
    const get = this.get as (path: P, init: object) => Promise<{ results: Item<P>[]; next: string | null }>
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page = await get(path, { params: { query: { page_size: 200, ...query, cursor } }, signal })
      yield* page.results
      cursor = page.next && new URL(page.next, this.#baseUrl).searchParams.get('cursor')
    }
  }

  /**
   * Listens to the news of a topic. The first event is `ready`; after `resync` everything shown is to be read
   * anew, because something was missed that cannot be told any more.
   */
  live<T extends Topic>(topic: T, options: LiveOptions = {}): AsyncGenerator<LiveEvent<T>, void> {
    const ticket = async () => (await this.post('/api/ws-ticket/')).ticket
    const address = async (lastEventId: number | undefined) => {
      const url = new URL(`ws/${topic}/`, this.#baseUrl)
      url.protocol = url.protocol.replace('http', 'ws')
      url.searchParams.set('ticket', await ticket())
      if (lastEventId !== undefined) url.searchParams.set('last_event_id', String(lastEventId))
      return url.href
    }
    const refusal = async () => {
      const asked = this.raw.GET(`/ws/${topic}/` as never, { params: { query: { ticket: await ticket() } } } as never)
      const problem: unknown = await asked.catch((error: unknown) => error)
      return problem instanceof ProblemError && [401, 403].includes(problem.status) ? problem : null
    }
    return listen<T>({ address, refusal, WebSocket: this.#WebSocket }, options)
  }
}
