import type { z } from 'zod';

import type { CurrentUser } from './current-user.ts';
import type { IdempotentRequest } from './idempotency.ts';
import type { ProblemCode } from './problems.ts';

/** Who may call: everyone, signed-in users, or users with a role (an admin is also staff). */
export type Access = 'public' | 'signed-in' | 'staff' | 'admin';

/**
 * The declaration of an endpoint: the source of its validation, its types, the OpenAPI document and
 * the gateway's routes. It has no behavior.
 */
export type Endpoint<
  Params extends z.ZodType = z.ZodType,
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
> = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
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
  /** Media types of text that are accepted besides JSON. The handler receives such a body as a string. */
  textTypes?: readonly string[];
  /** The largest body, in bytes, where it is not the usual one. */
  maximumBodyBytes?: number;
  /** Schemas of the 2xx responses by status; null for a response without a body. */
  answers: Partial<Record<number, z.ZodType | null>>;
  /** Errors of this endpoint in addition to those that all endpoints of its kind have. */
  problems?: readonly ProblemCode[];
  /** Accepts `Idempotency-Key`. */
  idempotent?: boolean;
  /** A public read that may be up to a second old. */
  shared?: boolean;
  /** A shared read whose response never changes. */
  immutable?: boolean;
  /** The media type of the 2xx responses where it is not JSON. */
  contentType?: string;
  /** The handler itself checks that the user is active. */
  checksUserItself?: boolean;
};

export type ApiResponse = {
  status: number;
  /** Serialized to JSON; absent for a response without a body. */
  body?: unknown;
  /** The serialized body, instead of `body`. */
  json?: string;
  /** The body of an endpoint with a `contentType`, instead of `body`. */
  bytes?: Buffer;
  headers?: Record<string, string>;
};

type Parsed<T extends z.ZodType | undefined> = T extends z.ZodType ? z.output<T> : undefined;

/** A request as a handler receives it: everything in it is parsed. */
export type Request<E extends Endpoint = Endpoint> = {
  params: Parsed<E['params']>;
  query: Parsed<E['query']>;
  body: Parsed<E['body']> | (E extends { textTypes: readonly string[] } ? string : never);
  /** Set except on public endpoints. */
  currentUser: E['access'] extends 'public' ? undefined : CurrentUser;
  idempotency: IdempotentRequest | undefined;
  /** Of PATCH and DELETE: to be called with the current state, in the transaction that changes it. */
  precondition: Precondition | undefined;
  /** The client's normalized address (client-address.ts). */
  address: string;
  requestId: string;
  /** Whether the client has disconnected. */
  isGone: () => boolean;
};

/**
 * `If-Match` of a request. It takes the body that GET returns for the resource, envelope included, read
 * under a lock that is held until the change is committed.
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
