import { spawn } from 'node:child_process';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');

export const artifacts = [
  'catalog',
  'users',
  'bookings',
  'gateway',
  'migrations',
  'operator',
] as const;
export type Artifact = (typeof artifacts)[number];

export const imageName = (artifact: Artifact, tag: string): string =>
  `movie-ticketing-${artifact}:${tag}`;

/**
 * Runs a program to its end.
 * @throws Error with the last lines of its output if it fails
 */
export const run = (command: string, args: readonly string[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) {
        resolve();
        return;
      }
      const last = Buffer.concat(output).toString().trim().split('\n').slice(-20).join('\n');
      reject(new Error(`${command} ${args.join(' ')} failed (${String(code)}):\n${last}`));
    });
  });

/** Builds the image of every artifact with the tag, in sequence, because they share layers. */
export const buildImages = async (tag: string): Promise<string[]> => {
  const images: string[] = [];
  for (const artifact of artifacts) {
    const started = performance.now();
    const image = imageName(artifact, tag);
    await run('docker', [
      'build',
      `--target=movie-ticketing-${artifact}`,
      `--build-arg=VERSION=${tag}`,
      `--tag=${image}`,
      '.',
    ]);
    images.push(image);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${image.padEnd(34)} built in ${seconds} s`);
  }
  return images;
};

/** Puts images into a cluster by a command that takes their names; without one, they must be there. */
export const loadImages = async (
  images: readonly string[],
  command: string | undefined,
): Promise<void> => {
  const [program, ...args] = (command ?? '').split(' ').filter(Boolean);
  if (program === undefined) return;
  const started = performance.now();
  await run(program, [...args, ...images]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${String(images.length)} images loaded in ${seconds} s`);
};
