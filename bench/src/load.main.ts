import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import type { LoadPlan, LoadRequest, LoadResult } from './load.ts';
import { makeResponseReader } from './response-reader.ts';
import { percentile } from './statistics.ts';

const requestTimeoutMs = 10_000;

type Totals = { latencies: number[]; others: Record<string, number>; errors: number };

/** A request as text, built once. The key is the only header that differs each time. */
const serialize = (
  { method, url }: LoadPlan,
  { path, token, body }: LoadRequest,
): { head: string; body: string } => {
  const headers = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
    ...(body === undefined
      ? []
      : ['Content-Type: application/json', `Content-Length: ${String(Buffer.byteLength(body))}`]),
  ];
  return { head: `${headers.join('\r\n')}\r\n`, body: body ?? '' };
};

/** Each client repeats its own share of the requests, so that a user's requests come from one client. */
const shareOf = (plan: LoadPlan, client: number): readonly LoadRequest[] => {
  const share = plan.requests.filter((_, index) => index % plan.clients === client);
  return share.length > 0 ? share : plan.requests.slice(0, 1);
};

let keys = 0;

/** One client: a connection that sends its next request when the response to the last one has arrived. */
const startClient = (plan: LoadPlan, client: number, totals: Totals): { stop: () => void } => {
  const requests = shareOf(plan, client).map((request) => serialize(plan, request));
  const { hostname, port } = new URL(plan.url);
  let socket: Socket;
  let turn = 0;
  let sentAt = 0;
  let isStopped = false;

  const send = (): void => {
    const { head, body } = requests[turn % requests.length] as { head: string; body: string };
    turn += 1;
    sentAt = performance.now();
    if (plan.keyPrefix === undefined) {
      socket.write(`${head}\r\n${body}`, 'latin1');
      return;
    }
    keys += 1;
    const key = `Idempotency-Key: ${plan.keyPrefix}-${String(keys)}\r\n`;
    socket.write(`${head}${key}\r\n${body}`, 'latin1');
  };

  const open = (): void => {
    const read = makeResponseReader((status) => {
      if (status === 200 || status === 201) totals.latencies.push(performance.now() - sentAt);
      else totals.others[status] = (totals.others[status] ?? 0) + 1;
      send();
    });
    socket = connect({ host: hostname, port: Number(port), noDelay: true });
    socket.setTimeout(requestTimeoutMs, () => socket.destroy());
    socket.on('connect', send);
    socket.on('data', read);
    socket.on('error', () => undefined); // counted when it closes
    socket.on('close', () => {
      if (isStopped) return;
      totals.errors += 1;
      open();
    });
  };
  open();
  return {
    stop: () => {
      isStopped = true;
      socket.destroy();
    },
  };
};

const run = async (plan: LoadPlan): Promise<LoadResult> => {
  const totals: Totals = { latencies: [], others: {}, errors: 0 };
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  const clients = Array.from({ length: plan.clients }, (_, client) =>
    startClient(plan, client, totals),
  );
  await new Promise((resolve) => setTimeout(resolve, plan.seconds * 1_000));
  const seconds = (performance.now() - start) / 1_000;
  for (const client of clients) client.stop();
  const { user, system } = process.cpuUsage(cpuBefore);
  const sorted = Float64Array.from(totals.latencies).sort();
  return {
    seconds,
    good: sorted.length,
    others: totals.others,
    errors: totals.errors,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    generatorMicros: (user + system) / sorted.length,
  };
};

process.on('message', (plan: LoadPlan) => {
  void run(plan).then((result) => process.send?.(result));
});
await once(process, 'disconnect');
process.exit(0);
