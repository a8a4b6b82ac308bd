export const resourceLabel = 'movieticketing.io/resource';
export const componentLabel = 'app.kubernetes.io/component';
export const appliedAnnotation = 'movieticketing.io/applied';
export const pausedAnnotation = 'movieticketing.io/paused';

/** What a pod belongs to: the value of `app.kubernetes.io/component`. */
export type ComponentName =
  | 'postgres'
  | 'postgres-check'
  | 'migrations'
  | 'seed'
  | 'backup'
  | 'verify'
  | 'restore'
  | 'catalog'
  | 'users'
  | 'bookings'
  | 'gateway';

type Named = { metadata: { name: string } };

/** Labels of every object that a resource owns; the operator finds them by these. */
export const labelsOf = (resource: Named, component?: ComponentName): Record<string, string> => ({
  'app.kubernetes.io/name': 'movie-ticketing',
  'app.kubernetes.io/instance': resource.metadata.name,
  'app.kubernetes.io/part-of': 'movie-ticketing',
  'app.kubernetes.io/managed-by': 'movie-ticketing-operator',
  ...(component === undefined ? {} : { [componentLabel]: component }),
  [resourceLabel]: resource.metadata.name,
});

/** The fewest labels that select one component's pods: a selector can never be changed. */
export const selectorOf = (resource: Named, component: ComponentName): Record<string, string> => ({
  [resourceLabel]: resource.metadata.name,
  [componentLabel]: component,
});
