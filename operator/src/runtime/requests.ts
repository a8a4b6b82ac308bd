import { errorOfAnswer, hasReason, KubeError } from './kube-error.ts';
import { withRetries, type CallOptions } from './retry.ts';
import { noAnswer, type Outgoing, type Transport } from './transport.ts';

export type Count = (method: string, code: string) => void;
export type Request = Omit<Outgoing, 'signal'>;
export type Send = <T>(
  kind: string,
  request: Request,
  idempotent: boolean,
  call: CallOptions,
) => Promise<T>;

/** Requests that are answered by one JSON object: time-outs, retries, errors, counts. */
export const makeSend = (transport: Transport, count: Count): Send => {
  const exchange = async (kind: string, outgoing: Outgoing): Promise<unknown> => {
    const { method, path } = outgoing;
    let status = 0;
    try {
      const answer = await transport.send(outgoing);
      const body = await readAll(answer);
      status = answer.statusCode ?? 0;
      if (status >= 200 && status < 300) return parseBody(outgoing, body);
      const retryAfter = answer.headers['retry-after'];
      throw errorOfAnswer({ what: `${method} ${path}`, kind }, { status, retryAfter, body });
    } catch (error) {
      throw error instanceof KubeError ? error : noAnswer(outgoing, error as Error);
    } finally {
      count(method, status === 0 ? '<error>' : String(status));
    }
  };
  return <T>(kind: string, request: Request, idempotent: boolean, call: CallOptions) =>
    withRetries(idempotent, call, (signal) => exchange(kind, { ...request, signal })) as Promise<T>;
};

export const readAll = async (answer: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
};

const parseBody = (request: Request, body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    // The body is not quoted: it may be a Secret.
    const what = `${request.method} ${request.path}: not JSON`;
    throw new KubeError(what, { status: 0, reason: 'BadAnswer' });
  }
};

/** What is not there is nothing, not an error. */
export const orNothing = async <T>(answer: Promise<T>): Promise<T | undefined> => {
  try {
    return await answer;
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined;
    throw error;
  }
};
