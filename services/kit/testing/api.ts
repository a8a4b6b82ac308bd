import { Registry } from '../src/metrics.ts';
import { makeLogger } from '../src/logging.ts';
import type { Service } from '../src/service.ts';
import { serve } from '../src/service-process.ts';

export type ApiAnswer<Body = any> = {
  status: number;
  headers: Headers;
  // A test asserts on what it reads; the OpenAPI replay checks the whole shape.
  body: Body;
};

export type ApiRequest = {
  token?: string | undefined;
  body?: unknown;
  key?: string | undefined;
  headers?: Record<string, string>;
};

export type Api = (method: string, path: string, request?: ApiRequest) => Promise<ApiAnswer>;

export type AnswerCheck = (method: string, path: string, answer: ApiAnswer) => void;

/** A client of the HTTP API. `check` sees every answer, for instance to validate it against OpenAPI. */
export const makeApi =
  (baseUrl: string, check?: AnswerCheck): Api =>
  async (method, path, { token, body, key, headers } = {}) => {
    const response = await fetch(new URL(path, baseUrl), {
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...(key === undefined ? {} : { 'Idempotency-Key': key }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = (response.headers.get('content-type') ?? '').includes('json');
    const answer: ApiAnswer = {
      status: response.status,
      headers: response.headers,
      body: isJson && text !== '' ? JSON.parse(text) : text,
    };
    check?.(method, path, answer);
    return answer;
  };

export type TestServer = {
  url: string;
  managementUrl: string;
  api: Api;
  registry: Registry;
  stop: () => Promise<void>;
};

export const silentLogger = makeLogger({ service: 'test', level: 'silent' });

/** Serves services on free ports of 127.0.0.1, with the code that runs in production. */
export const startTestServer = async (
  services: readonly Service[],
  check?: AnswerCheck,
  { trustedHops = 0 }: { trustedHops?: number } = {},
): Promise<TestServer> => {
  const registry = new Registry();
  const running = await serve({
    services,
    environment: {
      HOST: '127.0.0.1',
      PORT: 0,
      MANAGEMENT_PORT: 0,
      CORS_ORIGINS: [],
      TRUST_PROXY: trustedHops,
    },
    logger: silentLogger,
    registry,
    tracing: undefined,
  });
  const url = `http://127.0.0.1:${String(running.port)}`;
  return {
    url,
    managementUrl: `http://127.0.0.1:${String(running.managementPort)}`,
    api: makeApi(url, check),
    registry,
    stop: running.stop,
  };
};
