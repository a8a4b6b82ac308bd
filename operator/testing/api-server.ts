import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { get } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { Registry } from '@movie-ticketing/kit/metrics';
import { makeKubeClient, type KubeClient } from '../src/runtime/client.ts';
import { hasReason } from '../src/runtime/kube-error.ts';

const READY_WITHIN_MS = 90_000;
const ISSUER = 'https://kubernetes.default.svc';

export type ApiServer = {
  /** An administrator's (group system:masters). */
  kubeconfig: KubeConfig;
  client: KubeClient;
  /** A copy of one's own: an administrator's, or a service account's (made if absent, RBAC applies).
   *  `server` leads through a proxy; plain http is taken too. */
  makeClientConfig(options?: {
    serviceAccount?: { namespace: string; name: string };
    server?: string;
  }): Promise<KubeConfig>;
  /** A fresh namespace. Nothing deletes it for good: there is no namespace controller. */
  namespace(): Promise<string>;
  /** Kills the API server and starts it on the same port and data; with or without a watch cache from now on. */
  restart(options?: { watchCache?: boolean }): Promise<void>;
  /** Kills it; `restart` brings it back. */
  kill(): Promise<void>;
  /** Forgets history in etcd, so that a watch from before `version` (now) ends in 410 (at once with watchCache off). */
  compact(version?: string): Promise<void>;
  stop(): Promise<void>;
};

const assets = (): string => process.env['KUBEBUILDER_ASSETS'] ?? '';

export const hasApiServer = ['etcd', 'kube-apiserver'].every(
  (name) => assets() !== '' && existsSync(join(assets(), name)),
);

/** For testIf. */
export const lacksApiServer = 'KUBEBUILDER_ASSETS with etcd and kube-apiserver';

type Running = { stop(): Promise<void>; log(): string };

/** A child that ends when this process does, however that ends: the shell sees its input close. */
const run = (dir: string, name: string, args: string[]): Running => {
  const log = join(dir, `${name}.log`);
  const out = openSync(log, 'a');
  const child = spawn(
    'sh',
    [
      '-c',
      '"$0" "$@" & pid=$!; cat >/dev/null; kill -9 $pid; wait $pid',
      join(assets(), name),
      ...args,
    ],
    { stdio: ['pipe', out, out], detached: true },
  );
  closeSync(out);
  const ended = once(child, 'exit');
  child.unref();
  return {
    stop: async () => {
      child.stdin?.end();
      await ended;
    },
    log: () => readFileSync(log, 'utf8').slice(-4_000),
  };
};

/** A port of this machine that nobody listened at a moment ago. */
export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
};

const until = async (what: Running, condition: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await condition().catch(() => false))) {
    if (Date.now() > deadline) throw new Error(`not ready in time:\n${what.log()}`);
    await delay(50);
  }
};

const writeCredentials = (dir: string): string => {
  const token = randomBytes(16).toString('hex');
  writeFileSync(join(dir, 'tokens.csv'), `${token},admin,admin,system:masters\n`);
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  writeFileSync(join(dir, 'sa.key'), privateKey);
  writeFileSync(join(dir, 'sa.pub'), publicKey);
  return token;
};

const apiServerArgs = (dir: string, port: number, etcd: string): string[] => [
  `--etcd-servers=${etcd}`,
  `--secure-port=${String(port)}`,
  '--bind-address=127.0.0.1',
  '--advertise-address=127.0.0.1',
  `--cert-dir=${join(dir, 'certs')}`,
  `--token-auth-file=${join(dir, 'tokens.csv')}`,
  '--authorization-mode=RBAC',
  '--service-cluster-ip-range=10.0.0.0/16',
  `--service-account-issuer=${ISSUER}`,
  `--service-account-key-file=${join(dir, 'sa.pub')}`,
  `--service-account-signing-key-file=${join(dir, 'sa.key')}`,
  // Pods are stored and never run, so none needs its account to be there.
  '--disable-admission-plugins=ServiceAccount',
  '--allow-privileged=true',
];

const configFor = (options: { server: string; ca?: string; token: string }): KubeConfig => {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    {
      name: 'test',
      server: options.server,
      skipTLSVerify: options.ca === undefined,
      ...(options.ca === undefined ? {} : { caData: Buffer.from(options.ca).toString('base64') }),
    },
    { name: 'test', token: options.token },
  );
  return config;
};

const startEtcd = async (dir: string): Promise<{ url: string; etcd: Running }> => {
  const url = `http://127.0.0.1:${String(await freePort())}`;
  const peer = `http://127.0.0.1:${String(await freePort())}`;
  const etcd = run(dir, 'etcd', [
    `--data-dir=${join(dir, 'etcd')}`,
    '--unsafe-no-fsync',
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ]);
  await until(etcd, async () => (await fetch(`${url}/health`)).ok);
  return { url, etcd };
};

const compactEtcd = async (url: string, version?: string): Promise<void> => {
  const post = async (path: string, body: object): Promise<{ header: { revision: string } }> =>
    (await (await fetch(url + path, { method: 'POST', body: JSON.stringify(body) })).json()) as {
      header: { revision: string };
    };
  const { header } = await post('/v3/kv/range', { key: Buffer.from('x').toString('base64') });
  await post('/v3/kv/compaction', { revision: version ?? header.revision, physical: true });
};

const isReady = (port: number, token: string): Promise<boolean> =>
  new Promise((resolve) => {
    const url = `https://127.0.0.1:${String(port)}/readyz`;
    const headers = { authorization: `Bearer ${token}` };
    const options = { rejectUnauthorized: false, agent: false, headers } as const;
    const signal = AbortSignal.timeout(2_000);
    get(url, { ...options, signal }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => {
      resolve(false);
    });
  });

const serviceAccountToken = async (
  admin: KubeConfig,
  client: KubeClient,
  account: { namespace: string; name: string },
): Promise<string> => {
  const object = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: account };
  await client.create(object).catch((error: unknown) => {
    if (!hasReason(error, 'AlreadyExists')) throw error;
  });
  const expiring: any = { spec: { audiences: [ISSUER], expirationSeconds: 3_600 } };
  const core = admin.makeApiClient(CoreV1Api);
  const answer = await core.createNamespacedServiceAccountToken({ ...account, body: expiring });
  return answer.status?.token ?? '';
};

/**
 * A real API server on etcd, on free ports, with RBAC and without controllers: nothing collects
 * garbage, makes service accounts or tokens, runs pods, or finishes namespaces off.
 */
export const startApiServer = async (
  options: { watchCache?: boolean } = {},
): Promise<ApiServer> => {
  const dir = mkdtempSync(join(tmpdir(), 'movie-ticketing-api-'));
  const admin = writeCredentials(dir);
  const { url, etcd } = await startEtcd(dir);
  const port = await freePort();
  const start = async (watchCache = true): Promise<Running> => {
    const cache = `--watch-cache=${String(watchCache)}`;
    const started = run(dir, 'kube-apiserver', [...apiServerArgs(dir, port, url), cache]);
    await until(started, () => isReady(port, admin));
    return started;
  };
  let { watchCache } = options;
  let api: Running = await start(watchCache);
  const server = `https://127.0.0.1:${String(port)}`;
  const ca = readFileSync(join(dir, 'certs', 'apiserver.crt'), 'utf8');
  const kubeconfig = configFor({ server, ca, token: admin });
  const client = makeKubeClient({
    kubeConfig: kubeconfig,
    fieldManager: 'test',
    registry: new Registry(),
  });
  return {
    kubeconfig,
    client,
    makeClientConfig: async (wanted = {}) => {
      const { serviceAccount } = wanted;
      const token =
        serviceAccount === undefined
          ? admin
          : await serviceAccountToken(kubeconfig, client, serviceAccount);
      const through = wanted.server ?? server;
      return configFor({ server: through, token, ...(through.startsWith('https:') ? { ca } : {}) });
    },
    namespace: async () => {
      const name = `test-${randomBytes(5).toString('hex')}`;
      await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
      return name;
    },
    kill: () => api.stop(),
    restart: async (changed) => {
      watchCache = changed?.watchCache ?? watchCache;
      await api.stop();
      api = await start(watchCache);
    },
    compact: (version) => compactEtcd(url, version),
    stop: async () => {
      await api.stop();
      await etcd.stop();
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
