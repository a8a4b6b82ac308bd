/**
 * Every reason of a condition. `problem`: the resource is Degraded until a person acts or an outside
 * fault ends. docs/conditions-and-cures.md has a cure for each.
 */
export const reasons = {
  // Done
  DatabaseAccepting: { problem: false },
  DatabaseExternal: { problem: false },
  MigrationsApplied: { problem: false },
  Seeded: { problem: false },
  NotWanted: { problem: false },
  Serving: { problem: false },
  Settled: { problem: false },
  NoProblem: { problem: false },
  // In progress
  Waiting: { problem: false },
  DatabaseStarting: { problem: false },
  DatabaseNotTried: { problem: false },
  DatabaseImageChecking: { problem: false },
  Migrating: { problem: false },
  Seeding: { problem: false },
  RollingOut: { problem: false },
  Installing: { problem: false },
  Upgrading: { problem: false },
  Updating: { problem: false },
  Paused: { problem: false },
  ScaledToZero: { problem: false },
  // Problems
  Blocked: { problem: true },
  NameTaken: { problem: true },
  SecretMissing: { problem: true },
  SecretInvalid: { problem: true },
  ConfigMapMissing: { problem: true },
  ConfigMapInvalid: { problem: true },
  PasswordLost: { problem: true },
  VolumeDeleted: { problem: true },
  DatabaseVersionMismatch: { problem: true },
  DatabaseImageInvalid: { problem: true },
  StorageClassDiffers: { problem: true },
  DatabaseUnreachable: { problem: true },
  DatabaseAhead: { problem: true },
  MigrationFailed: { problem: true },
  SeedFailed: { problem: true },
  ImagePullFailed: { problem: true },
  Unschedulable: { problem: true },
  ContainerConfigInvalid: { problem: true },
  PodCrashing: { problem: true },
  PodsRefused: { problem: true },
  PodsNotReady: { problem: true },
  QuotaExceeded: { problem: true },
  NodePortTaken: { problem: true },
  AutoscalerInactive: { problem: true },
  ConnectionBudgetExceeded: { problem: true },
  ApplyRefused: { problem: true },
  OperatorForbidden: { problem: true },
  CannotObserve: { problem: true },
} as const satisfies Record<string, { problem: boolean }>;

export type Reason = keyof typeof reasons;

export const isProblem = (reason: Reason): boolean => reasons[reason].problem;
