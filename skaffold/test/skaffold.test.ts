import { globSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';

import { describe, expect, test } from '@jest/globals';
import { operatorEnvironment, settingsFrom } from '@movie-ticketing/operator/operator.environment';
import { parse } from 'yaml';

import { reachFrom, readImageContents } from '../../scripts/image-contents.ts';
import { artifacts } from '../../scripts/images.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const config = parse(read('skaffold.yaml'));
const built: any[] = config.build.artifacts;
const names = built.map(({ image }) => image as string);
const container = parse(read('k8s/base/deployment.yaml')).spec.template.spec.containers[0];
const dockerfile = read('Dockerfile');
const [dev] = config.profiles;

const programsOf = (artifact: string): string[] => {
  if (artifact === 'gateway') return ['services/gateway/src/nginx-config.main.ts'];
  if (artifact === 'migrations')
    return ['migrations/src/main.ts', 'seed/src/main.ts', 'backups/src/main.ts'];
  return [readImageContents(dockerfile, `movie-ticketing-${artifact}`).command[1] ?? ''];
};

describe('the names of images', () => {
  test('each artifact is a target of the Dockerfile, and each image a target is an artifact', () => {
    const targets = [...dockerfile.matchAll(/AS (movie-ticketing-\S+)$/gm)].map(
      ([, name]) => name!,
    );
    expect(names.toSorted()).toEqual(targets.toSorted());
    expect(names.toSorted()).toEqual(artifacts.map((name) => `movie-ticketing-${name}`).toSorted());
    for (const { image, custom } of built) {
      expect(custom.buildCommand).toBe(`skaffold/build.sh ${String(image)}`);
    }
  });

  test('each image that the operator installs is an artifact, and Skaffold writes its tag', () => {
    const variables = new Map<string, string>(
      container.env.map(({ name, value }: any) => [name as string, value as string]),
    );
    const images = [...variables].filter(([name]) => name.startsWith('IMAGE_'));
    expect(images.map(([, image]) => image).toSorted()).toEqual(
      names.filter((name) => name !== 'movie-ticketing-operator').toSorted(),
    );
    const settings = settingsFrom(operatorEnvironment.parse(Object.fromEntries(images)));
    expect(settings.images).toEqual(settingsFrom(operatorEnvironment.parse({})).images);
    const [deployments] = config.resourceSelector.allow;
    expect(deployments.groupKind).toBe('Deployment.apps');
    expect(deployments.image).toEqual(['.*', '.spec.template.spec.containers.env.value']);
    expect(container.image).toMatch(/^movie-ticketing-operator:/);
  });

  test('the logs of each image that the operator installs are followed', () => {
    const template = parse(read('skaffold/dev/log-images.yaml'));
    expect(template.template.spec.containers.map(({ image }: any) => image).toSorted()).toEqual(
      names.filter((name) => name !== 'movie-ticketing-operator').toSorted(),
    );
  });
});

describe.each(artifacts)('the artifact movie-ticketing-%s', (artifact) => {
  const paths: string[] = built.find(({ image }) => image === `movie-ticketing-${artifact}`).custom
    .dependencies.paths;
  const isDependency = (file: string): boolean =>
    paths.some((pattern) => matchesGlob(file, pattern));

  test('depends on every file that its programs import', () => {
    const files = programsOf(artifact).flatMap((main) => [...reachFrom(main).files]);
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !isDependency(file))).toEqual([]);
  });

  test('depends on no test, no other service and no file that is not there', () => {
    const others = ['catalog', 'users', 'bookings'].filter((name) => name !== artifact);
    const unrelated = [
      'scripts/check.ts',
      'skaffold/wait-until-ready.mjs',
      'migrations/test/migrate.test.ts',
      'services/kit/test/tokens.test.ts',
      ...others.map((name) => `services/${name}/src/main.ts`),
    ];
    expect(unrelated.filter(isDependency)).toEqual([]);
    expect(paths.filter((path) => globSync(path, { cwd: root }).length === 0)).toEqual([]);
  });
});

describe('skaffold dev', () => {
  const synced = built.flatMap(({ image, sync, custom }, at) => {
    const command = dev.patches.find(
      ({ path }: any) => path === `/build/artifacts/${String(at)}/custom/buildCommand`,
    );
    return sync === undefined ? [] : [{ image: image as string, sync, custom, command }];
  });

  test('syncs the services and the operator', () => {
    expect(synced.map(({ image }) => image)).toEqual(
      ['catalog', 'users', 'bookings', 'operator'].map((name) => `movie-ticketing-${name}`),
    );
  });

  test.each(synced)('syncs an edit to where $image runs it', ({ image, sync, command }) => {
    const main = readImageContents(dockerfile, image).command[1]!;
    expect(command.value).toBe(`skaffold/build.sh ${image} ${main}`);
    const files = sync.manual.flatMap(({ src, dest }: any) => {
      expect(dest).toBe('/tmp/app');
      return globSync(src, { cwd: root });
    });
    expect(files).toEqual(expect.arrayContaining([...reachFrom(main).files]));
  });

  test.each(synced)('rebuilds $image after an edit of what syncs it', ({ custom }) => {
    expect(custom.dependencies.paths).toEqual(
      expect.arrayContaining([
        'skaffold/live.Dockerfile',
        'skaffold/live.ts',
        'skaffold/changed-files.ts',
      ]),
    );
  });
});

test('the gateway of the sample is forwarded to localhost:8080', () => {
  const sample = parse(read(config.manifests.rawYaml[0]));
  expect(config.portForward).toEqual([
    {
      resourceType: 'service',
      resourceName: `${String(sample.metadata.name)}-gateway`,
      namespace: 'default',
      port: 80,
      localPort: 8080,
    },
  ]);
});
