import { spawnSync } from 'node:child_process';

import { artifacts, imageName } from './images.ts';

/** The sizes of the images that `node scripts/build-images.ts` makes, and what each adds to its base image. */
const images = artifacts.map((artifact) => imageName(artifact, process.argv[2] ?? '1.0.0'));

type Inspected = { Size: number; RootFS: { Layers: string[] } };

const inspect = (image: string): Inspected | undefined => {
  const { stdout, status } = spawnSync('docker', ['image', 'inspect', image], { encoding: 'utf8' });
  return status === 0 ? (JSON.parse(stdout) as Inspected[])[0] : undefined;
};

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1).padStart(7)} MB`;

const bases = ['node:24-trixie-slim', 'nginxinc/nginx-unprivileged:1.29']
  .map((image) => ({ image, found: inspect(image) }))
  .flatMap(({ image, found }) => (found === undefined ? [] : [{ image, ...found }]));

for (const image of images) {
  const found = inspect(image);
  if (found === undefined) {
    console.error(`${image} does not exist. Run: node scripts/build-images.ts`);
    process.exitCode = 1;
    continue;
  }
  const base = bases.find(({ RootFS }) =>
    RootFS.Layers.every((layer, index) => layer === found.RootFS.Layers[index]),
  );
  const own = base === undefined ? '' : `  ${megabytes(found.Size - base.Size)} on ${base.image}`;
  console.log(`${image.padEnd(34)} ${megabytes(found.Size)}${own}`);
}
