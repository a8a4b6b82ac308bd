import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const at = (file: string): string => join(root, 'node_modules', file);

type Step = { name: string; args: string[] };

// The slow steps first, so that two lanes end at about the same time.
const steps: Step[] = [
  { name: 'lint', args: [at('eslint/bin/eslint.js'), '.', '--max-warnings=0'] },
  { name: 'types', args: [at('typescript/bin/tsc'), '-p', 'tsconfig.json'] },
  { name: 'format', args: [at('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.'] },
  {
    name: 'layers',
    args: [
      at('dependency-cruiser/bin/dependency-cruise.mjs'),
      '--config=.dependency-cruiser.mjs',
      'services',
      'migrations',
      'seed',
      'backups',
      'monitoring',
      'plugin',
      'operator',
      'bench',
      'scripts',
      'skaffold',
    ],
  },
  { name: 'dead code', args: [at('knip/bin/knip.js'), '--no-progress', '--no-config-hints'] },
  { name: 'lock file', args: ['scripts/lock-file.ts'] },
  { name: 'generated files', args: ['scripts/generate.ts', '--check'] },
  { name: 'OpenAPI', args: [at('@redocly/cli/bin/cli.js'), 'lint', 'docs/openapi.json'] },
  { name: 'Kubernetes', args: ['scripts/kube-score.ts'] },
  { name: 'workflows', args: ['scripts/actionlint.ts'] },
];

type Outcome = { passed: boolean; output: string; seconds: number };

const run = ({ args }: Step): Promise<Outcome> =>
  new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    const end = (passed: boolean): void => {
      const seconds = (performance.now() - started) / 1000;
      resolve({ passed, output: Buffer.concat(output).toString().trim(), seconds });
    };
    child.on('error', (error) => {
      output.push(Buffer.from(error.message));
      end(false);
    });
    child.on('close', (code) => {
      end(code === 0);
    });
  });

/** Runs the steps in as many lanes as there are cores. Prints a line per step, and its output if it fails. */
const runAll = async (): Promise<boolean> => {
  const waiting = [...steps];
  let allPassed = true;
  const lane = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const { passed, output, seconds } = await run(step);
      console.log(
        `${passed ? 'ok    ' : 'FAILED'} ${step.name.padEnd(16)} ${seconds.toFixed(1)} s`,
      );
      if (passed && output.startsWith('skipped:')) console.log(`       ${output}`);
      if (passed) continue;
      allPassed = false;
      console.log(`${output.replaceAll(/^/gm, '    ')}\n`);
    }
  };
  const lanes = Math.min(availableParallelism(), 4);
  await Promise.all(Array.from({ length: lanes }, lane));
  return allPassed;
};

process.exitCode = (await runAll()) ? 0 : 1;
