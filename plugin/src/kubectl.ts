import { spawn } from 'node:child_process';

/** An object as `kubectl get -o json` gives it. */
export type Live = {
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    ownerReferences?: { kind: string; name: string }[];
    creationTimestamp?: string;
  };
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  data?: Record<string, string>;
};

export type Kubectl = (args: readonly string[]) => Promise<string>;

/** What kubectl said when it failed. */
export class KubectlError extends Error {
  override readonly name = 'KubectlError';
}

/** kubectl with flags that choose the cluster and the namespace. @throws KubectlError */
export const makeKubectl =
  (flags: readonly string[], program = 'kubectl'): Kubectl =>
  (args) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, [...args, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      let error = '';
      child.stdout.setEncoding('utf8').on('data', (part: string) => {
        output += part;
      });
      child.stderr.setEncoding('utf8').on('data', (part: string) => {
        error += part;
      });
      child.on('error', (cause) => {
        reject(new KubectlError(`kubectl cannot be started: ${cause.message}`));
      });
      child.on('close', (code) => {
        if (code === 0) resolve(output);
        else reject(new KubectlError(error.trim()));
      });
    });

export const readResource = async (kubectl: Kubectl, name: string): Promise<Live> =>
  JSON.parse(await kubectl(['get', 'mt', name, '-o', 'json'])) as Live;

const label = (name: string): string[] => ['-l', `movieticketing.io/resource=${name}`];

/** The objects of these kinds that belong to a resource. */
export const readOwned = async (
  kubectl: Kubectl,
  name: string,
  kinds: readonly string[],
): Promise<Live[]> => {
  const args = ['get', kinds.join(','), ...label(name), '-o', 'json'];
  return (JSON.parse(await kubectl(args)) as { items: Live[] }).items;
};
