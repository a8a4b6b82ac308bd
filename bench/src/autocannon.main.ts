import autocannon from 'autocannon';

import type { LoadPlan, LoadRequest, LoadResult } from './load.ts';
import { percentile } from './statistics.ts';

let made = 0;

const toRequest = (plan: LoadPlan, { path, token, body }: LoadRequest): autocannon.Request => {
  const { keyPrefix } = plan;
  return {
    method: plan.method,
    path,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
    ...(keyPrefix === undefined
      ? {}
      : {
          setupRequest: (request) => {
            made += 1;
            const key = `${keyPrefix}-${String(made)}`;
            return { ...request, headers: { ...request.headers, 'idempotency-key': key } };
          },
        }),
  };
};

type Answers = { latencies: number[]; others: Record<string, number> };

/** Autocannon rounds latencies to milliseconds: here each one is kept as it was. */
const fire = (plan: LoadPlan, answers: Answers): Promise<autocannon.Result> =>
  new Promise((resolve, reject) => {
    const running = autocannon(
      {
        url: plan.url,
        connections: plan.clients,
        duration: plan.seconds,
        sampleInt: 100,
        timeout: 10,
        setupClient: shareOut(plan),
      },
      (error: unknown, result) => {
        if (error instanceof Error) reject(error);
        else resolve(result);
      },
    );
    running.on('response', (_client, status, _bytes, milliseconds) => {
      const { latencies, others } = answers;
      if (status === 200 || status === 201) latencies.push(milliseconds);
      else others[String(status)] = (others[String(status)] ?? 0) + 1;
    });
  });

/** Each connection goes round through its own share of the requests: every person is on one. */
const shareOut = (plan: LoadPlan): ((client: autocannon.Client) => void) => {
  let turn = 0;
  return (client) => {
    const mine = plan.requests.filter((_request, index) => index % plan.clients === turn);
    turn += 1;
    const requests = mine.length > 0 ? mine : plan.requests.slice(0, 1);
    client.setRequests(requests.map((request) => toRequest(plan, request)));
  };
};

const load = async (plan: LoadPlan): Promise<LoadResult> => {
  const answers: Answers = { latencies: [], others: {} };
  const result = await fire(plan, answers);
  const sorted = Float64Array.from(answers.latencies).sort();
  return {
    seconds: result.duration,
    good: sorted.length,
    others: answers.others,
    errors: result.errors,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
  };
};

process.on('message', (plan: LoadPlan) => {
  load(plan).then(
    (result) => process.send?.(result),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
