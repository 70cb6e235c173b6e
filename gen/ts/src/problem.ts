import type { Problem } from './schema.gen.js'

/**
 * What the server answers instead of what was asked for. `code` is a stable word for programs, `message` a
 * sentence for people, and `problem` everything that was said: `errors` names each wrong field, `next_free`
 * the free times after `slot_taken`, and so on.
 */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly status: number
  readonly code: string

  constructor(
    readonly problem: Problem,
    /** Seconds after which the request may be repeated, of answers 429 and 503. */
    readonly retryAfter?: number,
  ) {
    super(problem.detail)
    this.status = problem.status
    this.code = problem.code
  }

  /** The message of each wrong field by its name, as a form shows them. */
  get fields(): Record<string, string> {
    return Object.fromEntries((this.problem.errors ?? []).map(({ field, message }) => [field, message]))
  }
}

/** The server could not be reached, or did not answer; `cause` says why. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'

  constructor(cause: unknown) {
    super('The server cannot be reached. Try again in a moment.', { cause })
  }
}

/** Makes the error of an answer that is none of the successes, also where a proxy gave it. */
export async function problemOf(response: Response): Promise<ProblemError> {
  const said = response.headers.get('Content-Type')?.includes('json') ? await response.json().catch(() => null) : null
  const { status, statusText: title } = response
  const problem: Problem = said?.code
    ? said
    : { type: 'about:blank', title, status, code: 'unexpected', detail: `The server answered with status ${status}.`, instance: '' }
  const retryAfter = Number(response.headers.get('Retry-After') ?? NaN)
  return new ProblemError(problem, Number.isFinite(retryAfter) ? retryAfter : undefined)
}
