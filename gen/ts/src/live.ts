import { ConnectionError, ProblemError } from './problem.js'
import { pause } from './transport.js'
import type { LiveEvent, Topic } from './types.js'

/** What becomes of the line: `waiting` until the next attempt, after `open` broke. */
export type LineState = 'connecting' | 'open' | 'waiting'

export interface LiveOptions {
  /** Ends listening. */
  signal?: AbortSignal
  /** Begins behind this event, of up to 24 hours ago; otherwise with what happens from now on. */
  lastEventId?: number
  onState?: (state: LineState) => void
}

export interface Line {
  /** A new one-use address of the topic's socket; fails with what the server says against it. */
  address: (lastEventId: number | undefined) => Promise<string>
  /** Why a socket did not open, which a browser does not tell; null when it is not the caller's fault. */
  refusal: () => Promise<ProblemError | null>
  WebSocket: typeof WebSocket
}

const signedOut = 1008
const restarting = 1012
const longestPause = 30 // seconds

/**
 * Yields what a socket tells, and each event once. When the line breaks it comes back and resumes. It fails
 * with a ProblemError when the caller is signed out or may not listen, and ends when `signal` says so.
 */
export async function* listen<T extends Topic>(line: Line, options: LiveOptions): AsyncGenerator<LiveEvent<T>, void> {
  const { signal, onState } = options
  let last = options.lastEventId
  for (let failures = 0; !signal?.aborted; ) {
    let wait = Math.min(2 ** failures, longestPause)
    try {
      onState?.('connecting')
      const socket = new Socket<T>(new line.WebSocket(await line.address(last)), signal)
      for await (const event of socket.events()) {
        if (last === undefined || event.id > last) last = event.id
        if (failures || event.type === 'ready') onState?.('open')
        failures = 0
        wait = 1
        yield event
      }
      if (signal?.aborted) return
      if (!socket.opened || socket.code === signedOut) {
        const refused = await line.refusal()
        if (refused) throw refused
      }
      if (socket.code === restarting) wait = comeBackAfter(socket.reason)
      failures++
    } catch (error) {
      if (signal?.aborted) return
      if (!passing(error)) throw error
      failures++
    }
    onState?.('waiting')
    await pause(wait, signal).catch(() => {})
  }
}

/** Whether an error may be over in a moment. */
function passing(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof ProblemError && (error.status === 429 || error.status >= 500))
}

function comeBackAfter(reason: string): number {
  try {
    return JSON.parse(reason).reconnect_after_ms / 1000 || 1
  } catch {
    return 1
  }
}

/** One WebSocket whose messages wait in a queue until they are asked for. */
class Socket<T extends Topic> {
  opened = false
  code = 0 // none, where the socket did not open
  reason = ''
  readonly #queue: LiveEvent<T>[] = []
  #closed = false
  #wake = () => {}

  constructor(
    private readonly socket: WebSocket,
    signal: AbortSignal | undefined,
  ) {
    const hangUp = () => this.socket.close()
    if (signal?.aborted) hangUp()
    signal?.addEventListener('abort', hangUp, { once: true })
    socket.onopen = () => (this.opened = true)
    socket.onmessage = ({ data }) => {
      this.#queue.push(JSON.parse(data))
      this.#wake()
    }
    const closed = () => {
      signal?.removeEventListener('abort', hangUp)
      this.#closed = true
      this.#wake()
    }
    socket.onclose = ({ code, reason }) => {
      this.code = code
      this.reason = reason
      closed()
    }
    socket.onerror = closed // Node.js may tell no more of a socket that does not open
  }

  async *events(): AsyncGenerator<LiveEvent<T>, void> {
    try {
      for (;;) {
        for (let event = this.#queue.shift(); event; event = this.#queue.shift()) yield event
        if (this.#closed) return
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.socket.close()
    }
  }
}
