/** One request of a load; a load sends its requests over and over. */
export type LoadRequest = { path: string; token?: string; body?: string };

export type LoadPlan = {
  /** `http://127.0.0.1:1234` */
  url: string;
  method: 'GET' | 'POST';
  clients: number;
  seconds: number;
  requests: readonly LoadRequest[];
  /** Begins the Idempotency-Key of each request; undefined: none is sent. */
  keyPrefix: string | undefined;
};

export type LoadResult = {
  /** How long it took in truth. */
  seconds: number;
  /** Answers of 200 or 201. */
  good: number;
  /** Other answers, by status where the tool tells it, else under `4xx-5xx`. */
  others: Record<string, number>;
  /** Connections lost, time-outs. */
  errors: number;
  /** Of good answers (autocannon) or of all (wrk), in milliseconds. */
  p50: number;
  p99: number;
};

/** A load generator in a process of its own: it must not share the server's event loop. */
export type LoadTool = {
  run: (plan: LoadPlan) => Promise<LoadResult>;
  close: () => void;
};
