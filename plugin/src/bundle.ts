import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { readOwned, readResource, type Kubectl, type Live } from './kubectl.ts';
import { render, statusTree } from './status-tree.ts';

/** Shorter values are words that occur anywhere, such as the name of a user. */
const shortestSecret = 6;

const publicKeys = /^(username|host|port|database|email|tls\.crt|ca\.crt)$|-username$/;

/** Every value of the Secrets, plain and as it is stored, the longest first: one may be a part of another. */
const hiddenValues = (secrets: readonly Live[]): string[] =>
  secrets
    .flatMap(({ data = {} }) => Object.entries(data))
    .filter(([key]) => !publicKeys.test(key))
    .flatMap(([, value]) => [value, Buffer.from(value, 'base64').toString('utf8')])
    .filter((value) => value.length >= shortestSecret)
    .sort((a, b) => b.length - a.length);

/** A Secret without its values: which keys it has is often the question. */
const withoutValues = ({ metadata, data = {} }: Live): object => ({
  name: metadata.name,
  keys: Object.keys(data),
});

const kinds = [
  'deployments,statefulsets,jobs,cronjobs,pods,services,configmaps,persistentvolumeclaims',
  'networkpolicies,poddisruptionbudgets,horizontalpodautoscalers',
];

const logLines = '2000';

/** A command that may fail, for instance for want of a right: what it said is kept in place of its output. */
const attempt = (kubectl: Kubectl, args: readonly string[]): Promise<string> =>
  kubectl(args).catch((error: unknown) => `(${(error as Error).message})\n`);

const logsOf = async (kubectl: Kubectl, pods: readonly Live[]): Promise<[string, string][]> =>
  Promise.all(
    pods.map(async ({ metadata: { name } }): Promise<[string, string]> => {
      const flags = ['--all-containers', '--prefix', '--timestamps', `--tail=${logLines}`];
      return [`logs/${name}.txt`, await attempt(kubectl, ['logs', name, ...flags])];
    }),
  );

/**
 * Writes what a person who helps needs into a new folder, and no value of a Secret.
 * @returns the files
 */
export const writeBundle = async (
  kubectl: Kubectl,
  operator: Kubectl,
  { name, folder }: { name: string; folder: string },
): Promise<string[]> => {
  const resource = await readResource(kubectl, name);
  const [pods, secrets] = await Promise.all([
    readOwned(kubectl, name, ['pods']),
    readOwned(kubectl, name, ['secrets']),
  ]);
  const objects = await readOwned(kubectl, name, ['deployments', 'statefulsets', 'pods']);
  const selector = `movieticketing.io/resource=${name}`;
  const files: [string, string][] = [
    ['status.txt', `${render(statusTree(resource, objects))}\n`],
    ['resource.yaml', await attempt(kubectl, ['get', 'mt', name, '-o', 'yaml'])],
    [
      'objects.yaml',
      await attempt(kubectl, ['get', kinds.join(','), '-l', selector, '-o', 'yaml']),
    ],
    ['secrets.json', `${JSON.stringify(secrets.map(withoutValues), null, 2)}\n`],
    ['events.txt', await attempt(kubectl, ['get', 'events', '--sort-by=.lastTimestamp'])],
    ['version.txt', await attempt(kubectl, ['version'])],
    [
      'operator.txt',
      await attempt(operator, ['logs', 'deploy/movie-ticketing-operator', `--tail=${logLines}`]),
    ],
    ...(await logsOf(kubectl, pods)),
  ];
  const hidden = hiddenValues(secrets);
  await mkdir(join(folder, 'logs'), { recursive: true });
  for (const [path, content] of files) {
    const clean = hidden.reduce((text, secret) => text.replaceAll(secret, '(hidden)'), content);
    await writeFile(join(folder, path), clean);
  }
  return files.map(([path]) => path);
};
