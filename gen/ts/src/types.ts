import type { FetchOptions, ParseAs, ParseAsResponse } from 'openapi-fetch'
import type { FilterKeys, MediaType, PathsWithMethod, Readable, RequiredKeysOf, ResponseObjectMap, SuccessResponse } from 'openapi-typescript-helpers'
import type { LiveAppointment, LiveFigures, LiveNotification, LiveState, paths } from './schema.gen.js'

export type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete'

type Success<P extends keyof paths, M extends Verb> = Readable<SuccessResponse<ResponseObjectMap<paths[P][M]> & object, MediaType>>

/** What an operation answers when it succeeds, read as JSON or as something else; nothing of a 204. */
export type Answer<P extends keyof paths, M extends Verb, As extends ParseAs = 'json'> = [Success<P, M>] extends [never]
  ? void
  : ParseAsResponse<Success<P, M>, { parseAs: As }>

type Init<P extends keyof paths, M extends Verb, As extends ParseAs> = FetchOptions<FilterKeys<paths[P], M>> & { parseAs?: As }

/** An operation by its path in the contract, with its parameters and its body where it has them. */
export type Call<M extends Verb> = <P extends PathsWithMethod<paths, M>, As extends ParseAs = 'json'>(
  path: P,
  ...init: RequiredKeysOf<Init<P, M, As>> extends never ? [Init<P, M, As>?] : [Init<P, M, As>]
) => Promise<Answer<P, M, As>>

type Query<P extends keyof paths> = paths[P] extends { get: { parameters: { query?: infer Q } } } ? NonNullable<Q> : never

/** The paths that answer lists which can be walked through to their end. */
export type ListPath = {
  [P in PathsWithMethod<paths, 'get'>]: 'cursor' extends keyof Query<P> ? P : never
}[PathsWithMethod<paths, 'get'>]

export type Filters<P extends ListPath> = Omit<Query<P>, 'page' | 'cursor'>

export type Item<P extends ListPath> = Answer<P, 'get'> extends { results: (infer T)[] } ? T : never

export type Topic = 'notifications' | 'appointments' | 'dashboard'

/** What the socket of a topic tells. */
export type LiveEvent<T extends Topic> =
  | LiveState
  | (T extends 'notifications' ? LiveNotification : T extends 'appointments' ? LiveAppointment : LiveFigures)
