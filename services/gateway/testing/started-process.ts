import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

export type StartedProcess = {
  child: ChildProcess;
  /** Standard output and error so far. */
  output: () => string;
  /** Resolves with the address that the banner names; rejects when the process ends before. */
  ready: Promise<{ url: string; managementUrl: string }>;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
};

/**
 * Starts the one-process server with the given environment only. `npm` runs `npm start` in a process
 * group of its own.
 */
export const startProcess = (
  environment: Record<string, string>,
  { npm = false } = {},
): StartedProcess => {
  const command = npm ? 'npm' : process.execPath;
  const args = npm ? ['start', '--silent'] : ['services/gateway/src/main.ts'];
  const child = spawn(command, args, {
    cwd: root,
    detached: npm,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      PORT: '0',
      MANAGEMENT_PORT: '0',
      BCRYPT_COST: '4',
      ...environment,
    },
  });
  let output = '';
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.on('close', (code, signal) => {
      resolve({ code, signal });
    });
  });
  const ready = new Promise<{ url: string; managementUrl: string }>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      if (!output.includes('Press Ctrl-C to stop')) return;
      const url = /API +(\S+)/.exec(output)?.[1];
      const managementUrl = /Metrics +(\S+)\/metrics/.exec(output)?.[1];
      if (url !== undefined && managementUrl !== undefined) resolve({ url, managementUrl });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('close', () => {
      reject(new Error(`the process ended before it was ready:\n${output}`));
    });
  });
  // A test that waits for the exit alone does not look at this one.
  ready.catch(() => undefined);
  return { child, output: () => output, ready, exited };
};
