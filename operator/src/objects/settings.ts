/** Settings of the operator process, read once at its start. */
export type OperatorSettings = {
  /** Image tag where `spec.version` is unset. */
  version: string;
  /**
   * From IMAGE_CATALOG and so on: a bare name gets `spec.images.registry` and the version, a name with a
   * tag or a digest is used unchanged.
   */
  images: Readonly<Record<Artifact, string>>;
  /** `cluster.local` */
  clusterDomain: string;
};

export const artifacts = ['catalog', 'users', 'bookings', 'gateway', 'migrations'] as const;
export type Artifact = (typeof artifacts)[number];

/** The field manager of everything that the operator applies. */
export const fieldOwner = 'movie-ticketing-operator';
/** The second owner of fields that `fieldOwner` gives up. */
export const keepingOwner = 'movie-ticketing-operator-keeps';
