import { ConnectionError, problemOf } from './problem.js'
import type { Session } from './session.js'

const attempts = 3
const signingIn = /\/api\/auth\/(refresh\/)?$/ // asked without a token

export interface Transport {
  fetch: (request: Request) => Promise<Response>
  session: Session
  /** Longer waits than so many seconds are the caller's affair. */
  longestWait: number
}

/**
 * Sends a request, and repeats it where that is safe: with a new access token once after the old one was
 * refused, and a little later when the server was too busy or away. A POST is safe to repeat because it always carries an
 * Idempotency-Key.
 */
export async function send({ fetch, session, longestWait }: Transport, request: Request): Promise<Response> {
  if (request.method === 'POST' && !request.headers.has('Idempotency-Key')) {
    request.headers.set('Idempotency-Key', crypto.randomUUID())
  }
  const signed = !request.headers.has('Authorization') && !signingIn.test(new URL(request.url).pathname)
  const repeatable = ['GET', 'HEAD', 'POST'].includes(request.method)
  let renewed = false
  for (let attempt = 1; ; attempt++) {
    const token = signed ? await session.token() : null
    const sent = request.clone()
    if (token) sent.headers.set('Authorization', `Bearer ${token}`)
    const wait = (seconds: number) => pause(seconds, request.signal)
    let response: Response
    try {
      response = await fetch(sent)
    } catch (cause) {
      if (request.signal.aborted) throw cause
      if (attempt === attempts || !repeatable) throw new ConnectionError(cause)
      await wait(2 ** (attempt - 1) / 4)
      continue
    }
    if (response.ok || response.status === 304) return response
    const problem = await problemOf(response)
    if (problem.code === 'token_not_valid' && token && !renewed) {
      renewed = true
      if (await session.renew(token)) continue
    }
    const seconds = problem.retryAfter ?? 1
    const later = problem.status === 429 || (problem.status === 503 && repeatable)
    if (!later || attempt === attempts || seconds > longestWait) throw problem
    await wait(seconds)
  }
}

/** Waits, a little longer than asked and each time differently, so that not everybody returns at once. */
export function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const done = () => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }
    const timer = setTimeout(done, seconds * (1000 + Math.random() * 250))
    signal?.addEventListener('abort', stop, { once: true })
  })
}
