import { Agent, request } from 'node:http';

export type Asked = {
  method: 'GET' | 'POST';
  path: string;
  token: string;
  body?: object | undefined;
  key?: string | undefined;
};

/** What came back: a whole answer, or nothing and why. A torn answer is nothing. */
export type Reply =
  | { status: number; body: any; replayed: boolean; headers: Record<string, unknown> }
  | { status: 'none'; why: string };

export type CrashClient = {
  send: (url: string, asked: Asked) => Promise<Reply>;
  close: () => void;
};

// Longer than anything the service may take; a request that waits so long hangs, which is a finding.
const timeoutMs = 60_000;

/** A client that never repeats a request by itself: what it sends is what the ledger says. */
export const makeCrashClient = (): CrashClient => {
  const agent = new Agent({ keepAlive: true });
  const send: CrashClient['send'] = (url, asked) =>
    new Promise((resolve) => {
      const body = asked.body === undefined ? '' : JSON.stringify(asked.body);
      const none = (error: Error): void => {
        resolve({ status: 'none', why: error.message });
      };
      const sent = request(
        new URL(asked.path, url),
        {
          method: asked.method,
          agent,
          signal: AbortSignal.timeout(timeoutMs),
          headers: {
            Authorization: `Bearer ${asked.token}`,
            'Content-Length': Buffer.byteLength(body),
            ...(body === '' ? {} : { 'Content-Type': 'application/json' }),
            ...(asked.key === undefined ? {} : { 'Idempotency-Key': asked.key }),
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

/** Repeats ask the database or the service; nothing here waits a fixed time for something to happen. */
export const until = async <T>(
  what: string,
  look: () => Promise<T | undefined> | T | undefined,
  withinMs = 60_000,
): Promise<T> => {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
