import type { z } from 'zod';

import type { CurrentUser } from './current-user.ts';
import type { IdempotentRequest } from './idempotency.ts';
import type { ProblemCode } from './problems.ts';

export { roles, type CurrentUser, type Role } from './current-user.ts';
export type { IdempotentRequest } from './idempotency.ts';

/** Who may call: anyone, anyone signed in, or a role (an admin is also staff). */
export type Access = 'public' | 'signed-in' | 'staff' | 'admin';

/**
 * One endpoint as it is promised: the source of its validation, its types, the OpenAPI document and
 * the gateway's routes. It holds no behaviour.
 */
export type Endpoint<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> = {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** Express pattern: `/bookings/:id` */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  tag: string;
  access: Access;
  params?: Params;
  query?: Query;
  /** Absent: the endpoint takes no body, or an empty one. */
  body?: Body;
  /** Schemas of the good answers by status; null has no body. */
  answers: Partial<Record<number, z.ZodType | null>>;
  /** Refusals beyond those every endpoint of its kind has. */
  problems?: readonly ProblemCode[];
  /** Takes `Idempotency-Key`. */
  idempotent?: boolean;
  /** A public read that may be up to a second old. */
  shared?: boolean;
  /** The handler itself checks that the user is active. */
  checksUserItself?: boolean;
};

export type ApiResponse = {
  status: number;
  /** Serialised to JSON; absent for no body. */
  body?: unknown;
  /** The body already serialised, instead of `body`. */
  json?: string;
  headers?: Record<string, string>;
};

type Parsed<T extends z.ZodType | undefined> = T extends z.ZodType ? z.output<T> : undefined;

/** A request past the edge: everything in it is parsed. */
export type Request<E extends Endpoint = Endpoint> = {
  params: Parsed<E['params']>;
  query: Parsed<E['query']>;
  body: Parsed<E['body']>;
  /** Set on every endpoint but public ones. */
  currentUser: E['access'] extends 'public' ? undefined : CurrentUser;
  idempotency: IdempotentRequest | undefined;
  /** Of PATCH and DELETE: to be called with the current state, in the transaction that changes it. */
  precondition: Precondition | undefined;
  /** The client's normalized address (client-address.ts). */
  address: string;
  requestId: string;
  /** Whether the client has hung up. */
  isGone: () => boolean;
};

/**
 * `If-Match` of a request. It takes what GET answers for the resource, envelope included, read under a
 * lock that holds until the change is committed.
 * @throws Problem precondition_failed
 */
export type Precondition = (representation: object) => void;

/**
 * A precondition for a service: called with the resource as it is under the lock of the change.
 * @throws Problem precondition_failed
 */
export type Verify<T> = (resource: T) => void;

export type Handler<E extends Endpoint> = (request: Request<E>) => Promise<ApiResponse>;

export type Route = { endpoint: Endpoint; handle: (request: Request) => Promise<ApiResponse> };

export const defineEndpoint = <const E extends Endpoint>(endpoint: E): E => endpoint;

/** Endpoints by operationId. */
export type Endpoints = Readonly<Record<string, Endpoint>>;

/** A handler for each endpoint, under the same name. */
export type Handlers<E extends Endpoints> = { [Name in keyof E]: Handler<E[Name]> };

/** Binds each endpoint to the handler of its name. */
export const bindRoutes = <E extends Endpoints>(endpoints: E, handlers: Handlers<E>): Route[] =>
  Object.entries(endpoints).map(([name, endpoint]) => ({
    endpoint,
    handle: handlers[name] as Route['handle'],
  }));
