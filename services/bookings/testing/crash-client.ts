import { Agent, request as httpRequest } from 'node:http';

export type TestRequest = {
  method: 'GET' | 'POST';
  path: string;
  token: string;
  body?: object | undefined;
  key?: string | undefined;
};

/** A complete response, or none and why. An incomplete response counts as none. */
export type Reply =
  | { status: number; body: any; replayed: boolean; headers: Record<string, unknown> }
  | { status: 'none'; why: string };

export type CrashClient = {
  send: (url: string, request: TestRequest) => Promise<Reply>;
  close: () => void;
};

// Longer than any request may take: one that takes longer hangs, which is a violation.
const timeoutMs = 60_000;

/** A client that never repeats a request by itself, so that the ledger has every request. */
export const makeCrashClient = (): CrashClient => {
  const agent = new Agent({ keepAlive: true });
  const send: CrashClient['send'] = (url, request) =>
    new Promise((resolve) => {
      const body = request.body === undefined ? '' : JSON.stringify(request.body);
      const none = (error: Error): void => {
        resolve({ status: 'none', why: error.message });
      };
      const sent = httpRequest(
        new URL(request.path, url),
        {
          method: request.method,
          agent,
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            Authorization: `Bearer ${request.token}`,
            'Content-Length': Buffer.byteLength(body),
            ...(body === '' ? {} : { 'Content-Type': 'application/json' }),
            ...(request.key === undefined ? {} : { 'Idempotency-Key': request.key }),
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', none);
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            resolve({
              status: response.statusCode ?? 0,
              body: text === '' ? undefined : JSON.parse(text),
              replayed: response.headers['idempotent-replayed'] === 'true',
              headers: response.headers,
            });
          });
        },
      );
      sent.on('error', none);
      sent.end(body);
    });
  return {
    send,
    close: () => {
      agent.destroy();
    },
  };
};

/** Waits for a condition, never for a fixed time. */
export const until = async <T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  withinMs = 60_000,
): Promise<T> => {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
