import type { KubeConfig } from '@kubernetes/client-node';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const binary = join(process.env['KUBEBUILDER_ASSETS'] ?? '/nowhere', 'kubectl');

export const hasKubectl = existsSync(binary);

/** For testIf. */
export const lacksKubectl = 'KUBEBUILDER_ASSETS with kubectl, etcd and kube-apiserver';

export type Kubectl = {
  /** Path of its kubeconfig, for other programs. */
  config: string;
  /** @throws Error with what kubectl said when it does not succeed */
  run(args: string[], input?: string): Promise<string>;
  close(): void;
};

/** kubectl in the repository's root, as the administrator of a cluster; without one, for what needs none. */
export const makeKubectl = (config?: KubeConfig): Kubectl => {
  const dir = mkdtempSync(join(tmpdir(), 'movie-ticketing-kubectl-'));
  const kubeconfig = join(dir, 'kubeconfig');
  if (config !== undefined) writeFileSync(kubeconfig, config.exportConfig());
  const env = { ...process.env, KUBECONFIG: kubeconfig, KUBECACHEDIR: dir, HOME: dir };
  return {
    config: kubeconfig,
    run: (args, input = '') =>
      new Promise((resolve, reject) => {
        const options = { cwd: root, env, maxBuffer: 16 * 1024 * 1024 };
        const child = execFile(binary, args, options, (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(new Error(`kubectl ${args.join(' ')}: ${stderr}`));
        });
        child.stdin?.end(input);
      }),
    close: () => {
      rmSync(dir, { recursive: true, force: true });
    },
  };
};
