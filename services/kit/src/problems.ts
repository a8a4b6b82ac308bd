/**
 * Every error code of the API with its HTTP status and title. The codes are a closed list, which the
 * OpenAPI document publishes.
 */
export const problems = {
  invalid_request: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'Authentication required' },
  invalid_credentials: { status: 401, title: 'Wrong e-mail address or password' },
  invalid_reset_token: { status: 401, title: 'The password reset token is not valid' },
  invalid_refresh_token: { status: 401, title: 'The refresh token is not valid' },
  payment_declined: { status: 402, title: 'The payment was declined' },
  forbidden: { status: 403, title: 'Permission denied' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'The request was not received in time' },
  email_taken: { status: 409, title: 'The e-mail address is already registered' },
  not_enough_seats: { status: 409, title: 'Not enough seats' },
  seats_taken: { status: 409, title: 'Some of the seats are taken' },
  no_adjacent_seats: { status: 409, title: 'Not enough free seats side by side' },
  orphan_seat: { status: 409, title: 'The choice leaves a single seat free' },
  seat_group_incomplete: { status: 409, title: 'Some seats are booked together only' },
  ticket_limit_reached: { status: 409, title: 'The user has too many tickets for the screening' },
  screening_started: { status: 409, title: 'The screening has started' },
  screening_cancelled: { status: 409, title: 'The screening is cancelled' },
  booking_already_paid: { status: 409, title: 'The booking is already paid' },
  booking_expired: { status: 409, title: 'The booking has expired' },
  booking_cancelled: { status: 409, title: 'The booking is cancelled' },
  payment_processing: { status: 409, title: 'A payment is being processed' },
  theater_taken: { status: 409, title: 'The theater has another screening at that time' },
  outside_run: { status: 409, title: 'The screening is outside the run of its movie' },
  name_taken: { status: 409, title: 'The name is taken' },
  in_use: { status: 409, title: 'Other resources depend on this one' },
  has_live_bookings: { status: 409, title: 'The screening has pending or confirmed bookings' },
  idempotency_key_in_flight: { status: 409, title: 'A request with this key is being processed' },
  last_admin: { status: 409, title: 'The user is the last admin' },
  precondition_failed: { status: 412, title: 'The precondition failed' },
  payload_too_large: { status: 413, title: 'The body is too large' },
  uri_too_long: { status: 414, title: 'The URI is too long' },
  unsupported_media_type: { status: 415, title: 'The type of the body is not supported' },
  promo_code_invalid: { status: 422, title: 'The promo code is not valid' },
  idempotency_key_reused: { status: 422, title: 'The key was used for another request' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  hold_limit_reached: { status: 429, title: 'Too many unpaid bookings of the user have expired' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Internal error' },
  not_implemented: { status: 501, title: 'Not implemented' },
  overloaded: { status: 503, title: 'The server is overloaded' },
  unavailable: { status: 503, title: 'The service is temporarily unavailable' },
  http_version_not_supported: { status: 505, title: 'HTTP version not supported' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problems;
export type FieldError = { path: string; message: string };

type ProblemOptions = {
  detail?: string;
  errors?: FieldError[];
  /** Ids of the seats that the problem is about. */
  seats?: readonly string[];
  /** Whole seconds, for `Retry-After`. */
  retryAfter?: number;
  /** Additional response headers, for instance `Allow`. */
  headers?: Record<string, string>;
  cause?: unknown;
};

/** An error of the API, thrown in any layer and sent as problem+json (RFC 9457). Clients see `detail`. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly detail: string | undefined;
  readonly errors: FieldError[] | undefined;
  readonly seats: readonly string[] | undefined;
  readonly retryAfter: number | undefined;
  readonly headers: Record<string, string>;

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(options.detail ?? problems[code].title, { cause: options.cause });
    this.code = code;
    this.detail = options.detail;
    this.errors = options.errors;
    this.seats = options.seats;
    this.retryAfter = options.retryAfter ?? (problems[code].status === 503 ? 1 : undefined);
    this.headers = options.headers ?? {};
  }
}

/** 401: the access token is missing or not valid. */
export const unauthenticated = (detail: string, cause?: unknown): Problem =>
  new Problem('unauthenticated', { detail, headers: { 'WWW-Authenticate': 'Bearer' }, cause });

/** 401: the access token is valid, but its user was deleted. */
export const userDeleted = (): Problem =>
  unauthenticated('The user of this access token was deleted.');

/** 400 with the invalid fields. The path is empty if the whole body is invalid. */
export const invalidFields = (errors: FieldError[]): Problem => {
  const lines = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  return new Problem('invalid_request', { detail: lines.join('; '), errors });
};

/** 400 with one invalid field. */
export const invalid = (path: string, message: string): Problem =>
  invalidFields([{ path, message }]);

export type ProblemBody = {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: ProblemCode;
  errors?: FieldError[];
  seats?: readonly string[];
};

/** The problem+json body. `instance` has the id of the request, which is in its log lines. */
export const toProblemBody = (problem: Problem, requestId: string): ProblemBody => {
  const { status, title } = problems[problem.code];
  const detail = problem.detail ?? `${title}.`;
  const errors = problem.errors ?? (status === 400 ? [{ path: '', message: detail }] : undefined);
  return {
    type: `urn:movie-ticketing:problem:${problem.code}`,
    title,
    status,
    detail,
    instance: `urn:request:${requestId}`,
    code: problem.code,
    ...(errors === undefined ? {} : { errors }),
    ...(problem.seats === undefined ? {} : { seats: problem.seats }),
  };
};
