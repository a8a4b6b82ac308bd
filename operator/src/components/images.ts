import type { Artifact, OperatorSettings } from '../objects/settings.ts';
import type { MovieTicketing } from '../resource/movie-ticketing.schema.ts';

/** The requested version. */
export const versionOf = (resource: MovieTicketing, settings: OperatorSettings): string =>
  resource.spec.version ?? settings.version;

const hasTagOrDigest = (image: string): boolean => /(:[^/]+|@[^/]+)$/.test(image);

/**
 * `registry/name:version`. An image in the operator's environment that has a tag or a digest, such as one
 * written by Skaffold, is used unchanged.
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
