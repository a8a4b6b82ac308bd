import { describe, expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { join, matchesGlob } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';

import { artifacts } from '../../../scripts/images.ts';
import { gatewayService } from '../../src/components/gateway/gateway.component.ts';
import { operatorEnvironment, settingsFrom } from '../../src/operator.environment.ts';
import { group, kind } from '../../src/resource/crd.ts';
import { manifestOf } from '../../src/steps/component.ts';
import { specSchema, type MovieTicketing } from '../../src/resource/movie-ticketing.schema.ts';

import { contextOf } from '../../testing/example-resource.ts';

const root = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const [operator, cinema] = parseAllDocuments(read('skaffold.yaml')).map((document) =>
  document.toJS(),
);
const built: any[] = operator.build.artifacts;
const names = built.map(({ image }) => image as string);
const container = parse(read('k8s/base/deployment.yaml')).spec.template.spec.containers[0];
const dockerfile = read('Dockerfile');

/** The lines of a target of the Dockerfile and of what it is made from. */
const stage = (target: string): string => {
  const stages = dockerfile.split(/^(?=FROM )/m);
  const own = stages.find((text) => new RegExp(`^FROM .* AS ${target}$`, 'm').test(text))!;
  const froms = [...own.matchAll(/^FROM (?:--\S+ )?(\S+) AS|--from=(\S+)/gm)]
    .map(([, from, copied]) => (from ?? copied)!)
    .filter((from) => new RegExp(`AS ${from}$`, 'm').test(dockerfile) && from !== 'sources');
  return [own, ...new Set(froms)].map((text, at) => (at === 0 ? text : stage(text))).join('\n');
};

describe('the names of images', () => {
  test('when an artifact is built, then it is a target of the Dockerfile, and the other way round', () => {
    const targets = [...dockerfile.matchAll(/AS (movie-ticketing-\S+)$/gm)].map(
      ([, name]) => name!,
    );
    expect(names.toSorted()).toEqual(targets.toSorted());
    expect(names.toSorted()).toEqual(artifacts.map((name) => `movie-ticketing-${name}`).toSorted());
    for (const { image, custom } of built) {
      expect(custom.buildCommand).toBe(`skaffold/build.sh ${String(image)}`);
    }
  });

  test('when Skaffold rewrites the operator, then each image it installs is an artifact', () => {
    const written = new Map<string, string>(
      container.env.map(({ name, value }: any) => [name as string, value as string]),
    );
    const images = [...written].filter(([name]) => name.startsWith('IMAGE_'));
    expect(images.map(([, image]) => image).toSorted()).toEqual(
      names.filter((name) => name !== 'movie-ticketing-operator').toSorted(),
    );
    const settings = settingsFrom(operatorEnvironment.parse(Object.fromEntries(images)));
    expect(settings.images).toEqual(settingsFrom(operatorEnvironment.parse({})).images);
    const [deployments] = operator.resourceSelector.allow;
    expect(deployments.groupKind).toBe('Deployment.apps');
    expect(deployments.image).toEqual(['.*', '.spec.template.spec.containers.env.value']);
    expect(container.image).toMatch(/^movie-ticketing-operator:/);
  });
});

describe('what an edit touches', () => {
  test('when a path is watched, then it is there', () => {
    for (const { custom } of built) {
      for (const path of custom.dependencies.paths as string[]) {
        expect({ path, found: globSync(path, { cwd: root }).length > 0 }).toEqual({
          path,
          found: true,
        });
      }
    }
  });

  test('when a target copies a folder, then its files are watched', () => {
    for (const { image, custom } of built) {
      const copied = [...stage(image).matchAll(/COPY --from=sources \/app\/(\S+)/g)].map(
        ([, path]) => path!,
      );
      const paths: string[] = custom.dependencies.paths;
      // The operator's image takes all services along, and runs what leads from their endpoints.
      const needed = copied.filter((path) => path !== 'services' && path !== 'LICENSE');
      for (const path of needed) {
        const watched = paths.some((pattern) =>
          [path, `${path}/src/x.ts`].some((file) => matchesGlob(file, pattern)),
        );
        expect({ image, path, watched }).toEqual({ image, path, watched: true });
      }
    }
  });

  test('when a service is edited under skaffold dev, then the file goes where it runs', () => {
    const [dev] = operator.profiles;
    expect(dev.activation).toEqual([{ command: 'dev' }]);
    expect(read('skaffold/live.sh')).toContain('LIVE_TO:-/tmp/app');
    for (const [at, service] of ['catalog', 'users', 'bookings'].entries()) {
      const image = `movie-ticketing-${service}`;
      expect(built[at].image).toBe(image);
      const patch = (path: string): any =>
        dev.patches.find((one: any) => one.path === `/build/artifacts/${String(at)}/${path}`).value;
      const main = `services/${service}/src/main.ts`;
      expect(patch('custom/buildCommand')).toBe(`skaffold/build.sh ${image} ${main}`);
      const synced = (patch('sync').manual as any[]).flatMap(({ src, dest }) => {
        expect(dest).toBe('/tmp/app');
        return globSync(src, { cwd: root });
      });
      expect(synced).toEqual(expect.arrayContaining([main, 'services/kit/src/management.ts']));
    }
  });
});

describe('what is deployed', () => {
  test('when the sample is up, then its gateway is forwarded', () => {
    const [sample] = cinema.manifests.rawYaml;
    const resource = parse(read(sample));
    const typed = {
      ...resource,
      metadata: { ...resource.metadata, namespace: 'default', uid: 'u', generation: 1 },
      spec: specSchema.parse(resource.spec),
    } as MovieTicketing;
    const service: any = manifestOf(gatewayService, contextOf(typed));
    expect(cinema.portForward).toEqual([
      {
        resourceType: 'service',
        resourceName: service.metadata.name,
        port: service.spec.ports[0].port,
        localPort: 8080,
      },
    ]);
    expect(cinema.resourceSelector.allow[0].groupKind).toBe(`${kind}.${group}`);
    expect(cinema.requires).toEqual([{ configs: [operator.metadata.name] }]);
  });
});
