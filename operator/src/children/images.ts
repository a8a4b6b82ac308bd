import type { Artifact, OperatorSettings } from '../reconcile/observed.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';

/** The version that the resource asks for. */
export const versionOf = (resource: MovieTicketing, settings: OperatorSettings): string =>
  resource.spec.version ?? settings.version;

const hasTagOrDigest = (image: string): boolean => /(:[^/]+|@[^/]+)$/.test(image);

/**
 * `registry/name:version`. What a tool such as Skaffold has written into the operator's environment
 * comes with its tag and is used as it is.
 */
export const imageOf = (
  artifact: Artifact,
  resource: MovieTicketing,
  settings: OperatorSettings,
  version: string = versionOf(resource, settings),
): string => {
  const configured = settings.images[artifact];
  if (hasTagOrDigest(configured)) return configured;
  const { registry } = resource.spec.images;
  const name = configured.split('/').at(-1) ?? configured;
  const path =
    registry === undefined || registry === ''
      ? configured
      : `${registry.replace(/\/+$/, '')}/${name}`;
  return `${path}:${version}`;
};
