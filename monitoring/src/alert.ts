/** An alert of Prometheus, and two scenes for `promtool test rules`: one where it fires and one where it does not. */
export type Alert = {
  name: string;
  /** critical: somebody has to act now. warning: within the working day. */
  severity: 'critical' | 'warning';
  expr: string;
  /** How long the expression holds before the alert fires. */
  for: string;
  summary: string;
  description: string;
  /** Labels of the alert that fires in the scene, besides `severity`. */
  labels: Record<string, string>;
  fires: Scene;
  silent: Scene;
};

/**
 * Series in the notation of promtool, a value each interval (a minute unless set): `0+10x60` is 0, 10, 20 and so on.
 * The rules are evaluated at the same interval.
 */
export type Scene = { series: Record<string, string>; at: string; interval?: string };

/** Labels that tell one custom resource from another: of its pods, and in the metrics of the operator. */
export const ofPods = 'namespace, resource';
export const ofOperator = 'resource_namespace, resource';
