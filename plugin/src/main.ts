import { parseArgs } from 'node:util';
import process from 'node:process';

import { writeBundle } from './bundle.ts';
import { KubectlError, makeKubectl, readOwned, readResource, type Kubectl } from './kubectl.ts';
import { render, statusTree } from './status-tree.ts';

const usage = `kubectl movie-ticketing COMMAND NAME [-n NAMESPACE] [--context CONTEXT]

  status NAME            conditions with their causes, and the objects behind them
  open NAME              the address of the API
  backup NAME            make a backup now
  verify NAME            restore the newest backup into a PostgreSQL of its own, and check it
  rotate NAME passwords  new passwords of the services in the database
  rotate NAME keys       new keys that sign access tokens
  pause NAME             stop reconciling; pods keep running
  resume NAME            reconcile again
  bundle NAME [FOLDER]   what a person who helps needs, without any value of a Secret
`;

class UsageError extends Error {
  override readonly name = 'UsageError';
}

type Command = (kubectl: Kubectl, name: string, more: readonly string[]) => Promise<string>;

const annotate = async (kubectl: Kubectl, name: string, annotation: string): Promise<void> => {
  await kubectl(['annotate', 'mt', name, '--overwrite', `movieticketing.io/${annotation}`]);
};

const runNow =
  (component: 'backup' | 'verify'): Command =>
  async (kubectl, name) => {
    const job = `${name}-${component}-${String(Math.floor(Date.now() / 1_000))}`;
    await kubectl(['create', 'job', job, `--from=cronjob/${name}-${component}`]);
    return `The Job ${job} has started. Follow it with: kubectl wait --for=condition=complete job/${job} --timeout=1h`;
  };

const rotations: Readonly<Record<string, string>> = {
  passwords: 'rotate-database-passwords',
  keys: 'rotate-signing-keys',
};

const rotate: Command = async (kubectl, name, [what = '']) => {
  const annotation = rotations[what];
  if (annotation === undefined)
    throw new UsageError(`rotate what? One of ${Object.keys(rotations).join(', ')}.`);
  await annotate(kubectl, name, `${annotation}=${new Date().toISOString()}`);
  return `The rotation was asked for. kubectl movie-ticketing status ${name} shows whether all is well.`;
};

const commands: Readonly<Record<string, Command>> = {
  status: async (kubectl, name) => {
    const [resource, objects] = await Promise.all([
      readResource(kubectl, name),
      readOwned(kubectl, name, ['deployments', 'statefulsets', 'pods']),
    ]);
    return render(statusTree(resource, objects));
  },
  open: async (kubectl, name) => {
    const { status } = await readResource(kubectl, name);
    const url = (status as { url?: string } | undefined)?.url;
    return url ?? 'It has no address yet: see status.';
  },
  backup: runNow('backup'),
  verify: runNow('verify'),
  rotate,
  pause: async (kubectl, name) => {
    await annotate(kubectl, name, 'paused=true');
    return 'Paused: nothing is repaired until resume.';
  },
  resume: async (kubectl, name) => {
    await annotate(kubectl, name, 'paused-');
    return 'Resumed.';
  },
};

const flagsOf = (values: { namespace?: string; context?: string; kubeconfig?: string }): string[] =>
  Object.entries(values).flatMap(([flag, value]) => [`--${flag}`, value]);

const main = async (): Promise<string> => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      namespace: { type: 'string', short: 'n' },
      context: { type: 'string' },
      kubeconfig: { type: 'string' },
    },
  });
  const [command = 'help', name, ...more] = positionals;
  if (command === 'help') return usage;
  if (name === undefined) throw new UsageError('the name of the custom resource is missing.');
  const kubectl = makeKubectl(flagsOf(values));
  if (command === 'bundle') {
    const time = new Date().toISOString().slice(0, 19).replaceAll(':', '');
    const [folder = `movie-ticketing-${name}-${time}`] = more;
    const operator = makeKubectl(flagsOf({ ...values, namespace: 'movie-ticketing-system' }));
    const files = await writeBundle(kubectl, operator, { name, folder });
    return `${String(files.length)} files in ${folder}. Look through them before you send them.`;
  }
  const run = commands[command];
  if (run === undefined) throw new UsageError(`there is no command ${command}.`);
  return run(kubectl, name, more);
};

try {
  console.log(await main());
} catch (error) {
  if (error instanceof KubectlError) console.error(error.message);
  else if (error instanceof UsageError || error instanceof TypeError)
    console.error(`${error.message}\n\n${usage}`);
  else throw error;
  process.exitCode = error instanceof KubectlError ? 1 : 2;
}
