import { spawn } from 'node:child_process';

export type StartedProgram = {
  /** What it has written to its standard output and standard error so far. */
  output: () => string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
};

/** Runs a script with this Node and only the given environment. */
export const startProgram = (
  script: string,
  args: readonly string[],
  env: Record<string, string>,
): StartedProgram => {
  const child = spawn(process.execPath, [script, ...args], { env });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  return { output: () => output, ended };
};
