// node_modules/openapi-fetch/dist/index.mjs
var PATH_PARAM_RE = /\{[^{}]+\}/g;
var supportsRequestInitExt = () => {
  return typeof process === "object" && Number.parseInt(process?.versions?.node?.substring(0, 2)) >= 18 && process.versions.undici;
};
function randomID() {
  return Math.random().toString(36).slice(2, 11);
}
function createClient(clientOptions) {
  let {
    baseUrl = "",
    Request: CustomRequest = globalThis.Request,
    fetch: baseFetch = globalThis.fetch,
    querySerializer: globalQuerySerializer,
    bodySerializer: globalBodySerializer,
    pathSerializer: globalPathSerializer,
    headers: baseHeaders,
    requestInitExt = void 0,
    ...baseOptions
  } = { ...clientOptions };
  requestInitExt = supportsRequestInitExt() ? requestInitExt : void 0;
  baseUrl = removeTrailingSlash(baseUrl);
  const globalMiddlewares = [];
  async function coreFetch(schemaPath, fetchOptions) {
    const {
      baseUrl: localBaseUrl,
      fetch = baseFetch,
      Request = CustomRequest,
      headers,
      params = {},
      parseAs = "json",
      querySerializer: requestQuerySerializer,
      bodySerializer = globalBodySerializer ?? defaultBodySerializer,
      pathSerializer: requestPathSerializer,
      body,
      middleware: requestMiddlewares = [],
      ...init
    } = fetchOptions || {};
    let finalBaseUrl = baseUrl;
    if (localBaseUrl) {
      finalBaseUrl = removeTrailingSlash(localBaseUrl) ?? baseUrl;
    }
    let querySerializer = typeof globalQuerySerializer === "function" ? globalQuerySerializer : createQuerySerializer(globalQuerySerializer);
    if (requestQuerySerializer) {
      querySerializer = typeof requestQuerySerializer === "function" ? requestQuerySerializer : createQuerySerializer({
        ...typeof globalQuerySerializer === "object" ? globalQuerySerializer : {},
        ...requestQuerySerializer
      });
    }
    const pathSerializer = requestPathSerializer || globalPathSerializer || defaultPathSerializer;
    const serializedBody = body === void 0 ? void 0 : bodySerializer(
      body,
      // Note: we declare mergeHeaders() both here and below because it’s a bit of a chicken-or-egg situation:
      // bodySerializer() needs all headers so we aren’t dropping ones set by the user, however,
      // the result of this ALSO sets the lowest-priority content-type header. So we re-merge below,
      // setting the content-type at the very beginning to be overwritten.
      // Lastly, based on the way headers work, it’s not a simple “present-or-not” check becauase null intentionally un-sets headers.
      mergeHeaders(baseHeaders, headers, params.header)
    );
    const finalHeaders = mergeHeaders(
      // with no body, we should not to set Content-Type
      serializedBody === void 0 || // if serialized body is FormData; browser will correctly set Content-Type & boundary expression
      serializedBody instanceof FormData ? {} : {
        "Content-Type": "application/json"
      },
      baseHeaders,
      headers,
      params.header
    );
    const finalMiddlewares = [...globalMiddlewares, ...requestMiddlewares];
    const requestInit = {
      redirect: "follow",
      ...baseOptions,
      ...init,
      body: serializedBody,
      headers: finalHeaders
    };
    let id;
    let options;
    let request = new Request(
      createFinalURL(schemaPath, { baseUrl: finalBaseUrl, params, querySerializer, pathSerializer }),
      requestInit
    );
    let response;
    for (const key in init) {
      if (!(key in request)) {
        request[key] = init[key];
      }
    }
    if (finalMiddlewares.length) {
      id = randomID();
      options = Object.freeze({
        baseUrl: finalBaseUrl,
        fetch,
        parseAs,
        querySerializer,
        bodySerializer,
        pathSerializer
      });
      for (const m of finalMiddlewares) {
        if (m && typeof m === "object" && typeof m.onRequest === "function") {
          const result = await m.onRequest({
            request,
            schemaPath,
            params,
            options,
            id
          });
          if (result) {
            if (result instanceof Request) {
              request = result;
            } else if (result instanceof Response) {
              response = result;
              break;
            } else {
              throw new Error("onRequest: must return new Request() or Response() when modifying the request");
            }
          }
        }
      }
    }
    if (!response) {
      try {
        response = await fetch(request, requestInitExt);
      } catch (error2) {
        let errorAfterMiddleware = error2;
        if (finalMiddlewares.length) {
          for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
            const m = finalMiddlewares[i];
            if (m && typeof m === "object" && typeof m.onError === "function") {
              const result = await m.onError({
                request,
                error: errorAfterMiddleware,
                schemaPath,
                params,
                options,
                id
              });
              if (result) {
                if (result instanceof Response) {
                  errorAfterMiddleware = void 0;
                  response = result;
                  break;
                }
                if (result instanceof Error) {
                  errorAfterMiddleware = result;
                  continue;
                }
                throw new Error("onError: must return new Response() or instance of Error");
              }
            }
          }
        }
        if (errorAfterMiddleware) {
          throw errorAfterMiddleware;
        }
      }
      if (finalMiddlewares.length) {
        for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
          const m = finalMiddlewares[i];
          if (m && typeof m === "object" && typeof m.onResponse === "function") {
            const result = await m.onResponse({
              request,
              response,
              schemaPath,
              params,
              options,
              id
            });
            if (result) {
              if (!(result instanceof Response)) {
                throw new Error("onResponse: must return new Response() when modifying the response");
              }
              response = result;
            }
          }
        }
      }
    }
    const contentLength = response.headers.get("Content-Length");
    if (response.status === 204 || request.method === "HEAD" || contentLength === "0" && !response.headers.get("Transfer-Encoding")?.includes("chunked")) {
      return response.ok ? { data: void 0, response } : { error: void 0, response };
    }
    if (response.ok) {
      const getResponseData = async () => {
        if (parseAs === "stream") {
          return response.body;
        }
        if (parseAs === "json" && !contentLength) {
          const raw = await response.text();
          return raw ? JSON.parse(raw) : void 0;
        }
        return await response[parseAs]();
      };
      return { data: await getResponseData(), response };
    }
    let error = await response.text();
    try {
      error = JSON.parse(error);
    } catch {
    }
    return { error, response };
  }
  return {
    request(method, url, init) {
      return coreFetch(url, { ...init, method: method.toUpperCase() });
    },
    /** Call a GET endpoint */
    GET(url, init) {
      return coreFetch(url, { ...init, method: "GET" });
    },
    /** Call a PUT endpoint */
    PUT(url, init) {
      return coreFetch(url, { ...init, method: "PUT" });
    },
    /** Call a POST endpoint */
    POST(url, init) {
      return coreFetch(url, { ...init, method: "POST" });
    },
    /** Call a DELETE endpoint */
    DELETE(url, init) {
      return coreFetch(url, { ...init, method: "DELETE" });
    },
    /** Call a OPTIONS endpoint */
    OPTIONS(url, init) {
      return coreFetch(url, { ...init, method: "OPTIONS" });
    },
    /** Call a HEAD endpoint */
    HEAD(url, init) {
      return coreFetch(url, { ...init, method: "HEAD" });
    },
    /** Call a PATCH endpoint */
    PATCH(url, init) {
      return coreFetch(url, { ...init, method: "PATCH" });
    },
    /** Call a TRACE endpoint */
    TRACE(url, init) {
      return coreFetch(url, { ...init, method: "TRACE" });
    },
    /** Register middleware */
    use(...middleware) {
      for (const m of middleware) {
        if (!m) {
          continue;
        }
        if (typeof m !== "object" || !("onRequest" in m || "onResponse" in m || "onError" in m)) {
          throw new Error("Middleware must be an object with one of `onRequest()`, `onResponse() or `onError()`");
        }
        globalMiddlewares.push(m);
      }
    },
    /** Unregister middleware */
    eject(...middleware) {
      for (const m of middleware) {
        const i = globalMiddlewares.indexOf(m);
        if (i !== -1) {
          globalMiddlewares.splice(i, 1);
        }
      }
    }
  };
}
function serializePrimitiveParam(name, value, options) {
  if (value === void 0 || value === null) {
    return "";
  }
  if (typeof value === "object") {
    throw new Error(
      "Deeply-nested arrays/objects aren\u2019t supported. Provide your own `querySerializer()` to handle these."
    );
  }
  return `${name}=${options?.allowReserved === true ? value : encodeURIComponent(value)}`;
}
function serializeObjectParam(name, value, options) {
  if (!value || typeof value !== "object") {
    return "";
  }
  const values = [];
  const joiner = {
    simple: ",",
    label: ".",
    matrix: ";"
  }[options.style] || "&";
  if (options.style !== "deepObject" && options.explode === false) {
    for (const k in value) {
      values.push(k, options.allowReserved === true ? value[k] : encodeURIComponent(value[k]));
    }
    const final2 = values.join(",");
    switch (options.style) {
      case "form": {
        return `${name}=${final2}`;
      }
      case "label": {
        return `.${final2}`;
      }
      case "matrix": {
        return `;${name}=${final2}`;
      }
      default: {
        return final2;
      }
    }
  }
  for (const k in value) {
    const finalName = options.style === "deepObject" ? `${name}[${k}]` : k;
    values.push(serializePrimitiveParam(finalName, value[k], options));
  }
  const final = values.join(joiner);
  return options.style === "label" || options.style === "matrix" ? `${joiner}${final}` : final;
}
function serializeArrayParam(name, value, options) {
  if (!Array.isArray(value)) {
    return "";
  }
  if (options.explode === false) {
    const joiner2 = { form: ",", spaceDelimited: "%20", pipeDelimited: "|" }[options.style] || ",";
    const final = (options.allowReserved === true ? value : value.map((v) => encodeURIComponent(v))).join(joiner2);
    switch (options.style) {
      case "simple": {
        return final;
      }
      case "label": {
        return `.${final}`;
      }
      case "matrix": {
        return `;${name}=${final}`;
      }
      // case "spaceDelimited":
      // case "pipeDelimited":
      default: {
        return `${name}=${final}`;
      }
    }
  }
  const joiner = { simple: ",", label: ".", matrix: ";" }[options.style] || "&";
  const values = [];
  for (const v of value) {
    if (options.style === "simple" || options.style === "label") {
      values.push(options.allowReserved === true ? v : encodeURIComponent(v));
    } else {
      values.push(serializePrimitiveParam(name, v, options));
    }
  }
  return options.style === "label" || options.style === "matrix" ? `${joiner}${values.join(joiner)}` : values.join(joiner);
}
function createQuerySerializer(options) {
  return function querySerializer(queryParams) {
    const search = [];
    if (queryParams && typeof queryParams === "object") {
      for (const name in queryParams) {
        const value = queryParams[name];
        if (value === void 0 || value === null) {
          continue;
        }
        if (Array.isArray(value)) {
          if (value.length === 0) {
            continue;
          }
          search.push(
            serializeArrayParam(name, value, {
              style: "form",
              explode: true,
              ...options?.array,
              allowReserved: options?.allowReserved || false
            })
          );
          continue;
        }
        if (typeof value === "object") {
          search.push(
            serializeObjectParam(name, value, {
              style: "deepObject",
              explode: true,
              ...options?.object,
              allowReserved: options?.allowReserved || false
            })
          );
          continue;
        }
        search.push(serializePrimitiveParam(name, value, options));
      }
    }
    return search.join("&");
  };
}
function defaultPathSerializer(pathname, pathParams) {
  let nextURL = pathname;
  for (const match of pathname.match(PATH_PARAM_RE) ?? []) {
    let name = match.substring(1, match.length - 1);
    let explode = false;
    let style = "simple";
    if (name.endsWith("*")) {
      explode = true;
      name = name.substring(0, name.length - 1);
    }
    if (name.startsWith(".")) {
      style = "label";
      name = name.substring(1);
    } else if (name.startsWith(";")) {
      style = "matrix";
      name = name.substring(1);
    }
    if (!pathParams || pathParams[name] === void 0 || pathParams[name] === null) {
      continue;
    }
    const value = pathParams[name];
    if (Array.isArray(value)) {
      nextURL = nextURL.replace(match, serializeArrayParam(name, value, { style, explode }));
      continue;
    }
    if (typeof value === "object") {
      nextURL = nextURL.replace(match, serializeObjectParam(name, value, { style, explode }));
      continue;
    }
    if (style === "matrix") {
      nextURL = nextURL.replace(match, `;${serializePrimitiveParam(name, value)}`);
      continue;
    }
    nextURL = nextURL.replace(match, style === "label" ? `.${encodeURIComponent(value)}` : encodeURIComponent(value));
  }
  return nextURL;
}
function defaultBodySerializer(body, headers) {
  if (body instanceof FormData) {
    return body;
  }
  if (headers) {
    const contentType = headers.get instanceof Function ? headers.get("Content-Type") ?? headers.get("content-type") : headers["Content-Type"] ?? headers["content-type"];
    if (contentType === "application/x-www-form-urlencoded") {
      return new URLSearchParams(body).toString();
    }
  }
  return JSON.stringify(body);
}
function createFinalURL(pathname, options) {
  let finalURL = `${options.baseUrl}${pathname}`;
  if (options.params?.path) {
    finalURL = options.pathSerializer(finalURL, options.params.path);
  }
  let search = options.querySerializer(options.params.query ?? {});
  if (search.startsWith("?")) {
    search = search.substring(1);
  }
  if (search) {
    finalURL += `?${search}`;
  }
  return finalURL;
}
function mergeHeaders(...allHeaders) {
  const finalHeaders = new Headers();
  for (const h of allHeaders) {
    if (!h || typeof h !== "object") {
      continue;
    }
    const iterator = h instanceof Headers ? h.entries() : Object.entries(h);
    for (const [k, v] of iterator) {
      if (v === null) {
        finalHeaders.delete(k);
      } else if (Array.isArray(v)) {
        for (const v2 of v) {
          finalHeaders.append(k, v2);
        }
      } else if (v !== void 0) {
        finalHeaders.set(k, v);
      }
    }
  }
  return finalHeaders;
}
function removeTrailingSlash(url) {
  if (url.endsWith("/")) {
    return url.substring(0, url.length - 1);
  }
  return url;
}

// src/problem.ts
var ProblemError = class extends Error {
  constructor(problem, retryAfter) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfter = retryAfter;
    this.status = problem.status;
    this.code = problem.code;
  }
  problem;
  retryAfter;
  name = "ProblemError";
  status;
  code;
  /** The message of each wrong field by its name, as a form shows them. */
  get fields() {
    return Object.fromEntries((this.problem.errors ?? []).map(({ field, message }) => [field, message]));
  }
};
var ConnectionError = class extends Error {
  name = "ConnectionError";
  constructor(cause) {
    super("The server cannot be reached. Try again in a moment.", { cause });
  }
};
async function problemOf(response) {
  const said = response.headers.get("Content-Type")?.includes("json") ? await response.json().catch(() => null) : null;
  const { status, statusText: title } = response;
  const problem = said?.code ? said : { type: "about:blank", title, status, code: "unexpected", detail: `The server answered with status ${status}.`, instance: "" };
  const retryAfter = Number(response.headers.get("Retry-After") ?? NaN);
  return new ProblemError(problem, Number.isFinite(retryAfter) ? retryAfter : void 0);
}

// src/transport.ts
var attempts = 3;
var signingIn = /\/api\/auth\/(refresh\/)?$/;
async function send({ fetch, session, longestWait }, request) {
  if (request.method === "POST" && !request.headers.has("Idempotency-Key")) {
    request.headers.set("Idempotency-Key", crypto.randomUUID());
  }
  const signed = !request.headers.has("Authorization") && !signingIn.test(new URL(request.url).pathname);
  const repeatable = ["GET", "HEAD", "POST"].includes(request.method);
  let renewed = false;
  for (let attempt = 1; ; attempt++) {
    const token = signed ? await session.token() : null;
    const sent = request.clone();
    if (token) sent.headers.set("Authorization", `Bearer ${token}`);
    const wait = (seconds2) => pause(seconds2, request.signal);
    let response;
    try {
      response = await fetch(sent);
    } catch (cause) {
      if (request.signal.aborted) throw cause;
      if (attempt === attempts || !repeatable) throw new ConnectionError(cause);
      await wait(2 ** (attempt - 1) / 4);
      continue;
    }
    if (response.ok || response.status === 304) return response;
    const problem = await problemOf(response);
    if (problem.code === "token_not_valid" && token && !renewed) {
      renewed = true;
      if (await session.renew(token)) continue;
    }
    const seconds = problem.retryAfter ?? 1;
    const later = problem.status === 429 || problem.status === 503 && repeatable;
    if (!later || attempt === attempts || seconds > longestWait) throw problem;
    await wait(seconds);
  }
}
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const done = () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    };
    const timer = setTimeout(done, seconds * (1e3 + Math.random() * 250));
    signal?.addEventListener("abort", stop, { once: true });
  });
}

// src/live.ts
var signedOut = 1008;
var restarting = 1012;
var longestPause = 30;
async function* listen(line, options) {
  const { signal, onState } = options;
  let last = options.lastEventId;
  for (let failures = 0; !signal?.aborted; ) {
    let wait = Math.min(2 ** failures, longestPause);
    try {
      onState?.("connecting");
      const socket = new Socket(new line.WebSocket(await line.address(last)), signal);
      for await (const event of socket.events()) {
        if (last === void 0 || event.id > last) last = event.id;
        if (failures || event.type === "ready") onState?.("open");
        failures = 0;
        wait = 1;
        yield event;
      }
      if (signal?.aborted) return;
      if (!socket.opened || socket.code === signedOut) {
        const refused = await line.refusal();
        if (refused) throw refused;
      }
      if (socket.code === restarting) wait = comeBackAfter(socket.reason);
      failures++;
    } catch (error) {
      if (signal?.aborted) return;
      if (!passing(error)) throw error;
      failures++;
    }
    onState?.("waiting");
    await pause(wait, signal).catch(() => {
    });
  }
}
function passing(error) {
  return error instanceof ConnectionError || error instanceof ProblemError && (error.status === 429 || error.status >= 500);
}
function comeBackAfter(reason) {
  try {
    return JSON.parse(reason).reconnect_after_ms / 1e3 || 1;
  } catch {
    return 1;
  }
}
var Socket = class {
  constructor(socket, signal) {
    this.socket = socket;
    const hangUp = () => this.socket.close();
    if (signal?.aborted) hangUp();
    signal?.addEventListener("abort", hangUp, { once: true });
    socket.onopen = () => this.opened = true;
    socket.onmessage = ({ data }) => {
      this.#queue.push(JSON.parse(data));
      this.#wake();
    };
    const closed = () => {
      signal?.removeEventListener("abort", hangUp);
      this.#closed = true;
      this.#wake();
    };
    socket.onclose = ({ code, reason }) => {
      this.code = code;
      this.reason = reason;
      closed();
    };
    socket.onerror = closed;
  }
  socket;
  opened = false;
  code = 0;
  // none, where the socket did not open
  reason = "";
  #queue = [];
  #closed = false;
  #wake = () => {
  };
  async *events() {
    try {
      for (; ; ) {
        for (let event = this.#queue.shift(); event; event = this.#queue.shift()) yield event;
        if (this.#closed) return;
        await new Promise((resolve) => this.#wake = resolve);
      }
    } finally {
      this.socket.close();
    }
  }
};

// src/session.ts
function inMemory() {
  let kept = null;
  return { load: () => kept, save: (tokens) => kept = tokens };
}
var Session = class {
  constructor(store, refresh, ended) {
    this.store = store;
    this.refresh = refresh;
    this.ended = ended;
  }
  store;
  refresh;
  ended;
  #exchange = null;
  #renewAt = 0;
  #timed = "";
  /** Begins with the tokens of a sign-in, or ends with null. */
  set(tokens) {
    this.store.save(tokens);
    if (tokens) this.#time(tokens.access);
  }
  /** The access token, renewed when it is about to expire; null when nobody is signed in. */
  async token() {
    const tokens = this.store.load();
    if (!tokens) return null;
    if (this.#timed !== tokens.access) this.#time(tokens.access);
    return Date.now() < this.#renewAt ? tokens.access : this.renew(tokens.access);
  }
  /** The successor of an access token that was refused or is about to expire; null when the session has ended. */
  renew(used) {
    this.#exchange ??= alone(() => this.#exchanged(used)).finally(() => this.#exchange = null);
    return this.#exchange;
  }
  async #exchanged(used) {
    const tokens = this.store.load();
    if (!tokens || tokens.access !== used) return tokens?.access ?? null;
    try {
      const pair = await this.refresh(tokens.refresh);
      if (this.store.load()?.access === used) this.set(pair);
      return this.store.load()?.access ?? null;
    } catch (error) {
      if (!(error instanceof ProblemError) || error.status !== 401) throw error;
      this.store.save(null);
      this.ended(error);
      return null;
    }
  }
  /**
   * A token is renewed a minute before it expires, or at half the life of a short one. The life is counted
   * from now, so that a wrong clock here does no harm; a token that is older than it seems is refused, and
   * then renewed.
   */
  #time(access) {
    const claims = JSON.parse(atob((access.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    const life = claims.exp - (claims.iat ?? Date.now() / 1e3);
    this.#timed = access;
    this.#renewAt = Date.now() + Math.max(life - 60, life / 2) * 1e3;
  }
};
function alone(work) {
  const locks = globalThis.navigator?.locks;
  return locks ? locks.request("chelal-client", work) : work();
}

// src/client.ts
var Chelal = class {
  /** The same with the whole response: its status and headers, and bodies as streams. */
  raw;
  #session;
  #baseUrl;
  #WebSocket;
  constructor(options = {}) {
    this.#baseUrl = new URL(options.baseUrl ?? "/", globalThis.location?.href).href;
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
    this.#session = new Session(
      options.tokens ?? inMemory(),
      (refresh) => this.post("/api/auth/refresh/", { body: { refresh } }),
      (problem) => options.onSignedOut?.(problem)
    );
    const transport = {
      fetch: options.fetch ?? ((request) => globalThis.fetch(request)),
      session: this.#session,
      longestWait: options.longestWait ?? 10
    };
    this.raw = createClient({ baseUrl: this.#baseUrl, fetch: (request) => send(transport, request) });
  }
  /** Signs in. With two-factor, a ProblemError with the code `otp_required` asks for `otp`. */
  async signIn(who) {
    const { user, access, refresh } = await this.post("/api/auth/", { body: who });
    this.#session.set({ access, refresh });
    return user;
  }
  /** Ends the session here whatever becomes of it there, where it expires. */
  async signOut() {
    try {
      await this.post("/api/auth/logout/");
    } finally {
      this.#session.set(null);
    }
  }
  get = this.#call("get");
  post = this.#call("post");
  put = this.#call("put");
  patch = this.#call("patch");
  delete = this.#call("delete");
  #call(verb) {
    const ask = async (path, init) => (await this.raw.request(verb.toUpperCase(), path, init)).data;
    return ask;
  }
  /** Walks through a list to its end, neither repeating nor skipping a row when others are added meanwhile. */
  async *all(path, query, signal) {
    const get = this.get;
    for (let cursor = ""; cursor !== null; ) {
      const page = await get(path, { params: { query: { page_size: 200, ...query, cursor } }, signal });
      yield* page.results;
      cursor = page.next && new URL(page.next, this.#baseUrl).searchParams.get("cursor");
    }
  }
  /**
   * Listens to the news of a topic. The first event is `ready`; after `resync` everything shown is to be read
   * anew, because something was missed that cannot be told any more.
   */
  live(topic, options = {}) {
    const ticket = async () => (await this.post("/api/ws-ticket/")).ticket;
    const address = async (lastEventId) => {
      const url = new URL(`ws/${topic}/`, this.#baseUrl);
      url.protocol = url.protocol.replace("http", "ws");
      url.searchParams.set("ticket", await ticket());
      if (lastEventId !== void 0) url.searchParams.set("last_event_id", String(lastEventId));
      return url.href;
    };
    const refusal = async () => {
      const asked = this.raw.GET(`/ws/${topic}/`, { params: { query: { ticket: await ticket() } } });
      const problem = await asked.catch((error) => error);
      return problem instanceof ProblemError && [401, 403].includes(problem.status) ? problem : null;
    };
    return listen({ address, refusal, WebSocket: this.#WebSocket }, options);
  }
};
export {
  Chelal,
  ConnectionError,
  ProblemError,
  inMemory
};
