import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** An object as `kubectl get -o json` gives it. */
export type Live = {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid: string;
    generation?: number;
    resourceVersion: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    creationTimestamp: string;
    deletionTimestamp?: string;
    ownerReferences?: { uid: string; kind: string; name: string }[];
    managedFields?: {
      manager: string;
      operation: string;
      time: string;
      fieldsV1: { 'f:spec'?: object };
    }[];
  };
  [field: string]: any;
};

const bundled = join(process.env['KUBEBUILDER_ASSETS'] ?? '/nowhere', 'kubectl');
/** Its path, for commands that go on running. */
export const kubectlProgram = existsSync(bundled) ? bundled : 'kubectl';

export type Ran = { code: number; stdout: string; stderr: string };

/** Runs kubectl on the current context, with a time limit. */
export const tryKubectl = (args: readonly string[], input?: string): Promise<Ran> =>
  new Promise((resolve, reject) => {
    const child = spawn(kubectlProgram, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: 120_000,
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({
        code: code ?? 1,
        stdout: Buffer.concat(out).toString(),
        stderr: Buffer.concat(err).toString(),
      });
    });
    child.stdin.on('error', () => {
      // kubectl ended before it had read everything. Its exit code says why.
    });
    child.stdin.end(input ?? '');
  });

export const kubectl = async (args: readonly string[], input?: string): Promise<string> => {
  const { code, stdout, stderr } = await tryKubectl(args, input);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
};

/** Server-side apply, so that fields of the operator stay with the operator. */
export const apply = async (object: object): Promise<void> => {
  await kubectl(
    ['apply', '--server-side', '--field-manager=e2e', '--force-conflicts', '-f', '-'],
    JSON.stringify(object),
  );
};

/** The object, or undefined where it does not exist. */
export const get = async (
  namespace: string,
  kind: string,
  name: string,
): Promise<Live | undefined> => {
  const text = await kubectl([
    'get',
    '-n',
    namespace,
    kind,
    name,
    '-o',
    'json',
    '--ignore-not-found',
    '--show-managed-fields',
  ]);
  return text.trim() === '' ? undefined : (JSON.parse(text) as Live);
};

export const list = async (namespace: string, kinds: string, selector = ''): Promise<Live[]> => {
  const text = await kubectl(['get', '-n', namespace, kinds, '-l', selector, '-o', 'json']);
  return (JSON.parse(text) as { items: Live[] }).items;
};

export const patch = async (
  namespace: string,
  kind: string,
  name: string,
  merge: object,
): Promise<void> => {
  await kubectl([
    'patch',
    '-n',
    namespace,
    kind,
    name,
    '--type=merge',
    '-p',
    JSON.stringify(merge),
  ]);
};
