import type { Alert } from './alert.ts';

const operatorPod = 'namespace="movie-ticketing-system",pod="operator-1"';

/** Of the operator itself. */
export const operatorAlerts: readonly Alert[] = [
  {
    name: 'MovieTicketingOperatorDown',
    severity: 'critical',
    expr: 'absent(leader_election_master_status{name="movie-ticketing-operator"} == 1)',
    for: '10m',
    summary: 'No operator of MovieTicketing resources is at work.',
    description: 'Tickets are sold as before, but nothing is repaired, rotated or upgraded.',
    // absent() of a comparison has no labels.
    labels: {},
    fires: {
      at: '20m',
      series: {
        [`leader_election_master_status{${operatorPod},name="movie-ticketing-operator"}`]: '0x30',
      },
    },
    silent: {
      at: '20m',
      series: {
        [`leader_election_master_status{${operatorPod},name="movie-ticketing-operator"}`]: '1x30',
      },
    },
  },
  {
    name: 'MovieTicketingReconcileErrors',
    severity: 'warning',
    expr: 'sum by (namespace, controller) (increase(controller_runtime_reconcile_errors_total{controller="movieticketing"}[15m])) > 5',
    for: '15m',
    summary: 'The operator cannot read or write objects.',
    description:
      'Its log has the errors. Most often the API server is overloaded, or a right is missing.',
    labels: { namespace: 'movie-ticketing-system', controller: 'movieticketing' },
    fires: {
      at: '1h',
      series: {
        [`controller_runtime_reconcile_errors_total{${operatorPod},controller="movieticketing"}`]:
          '0+1x90',
      },
    },
    silent: {
      at: '1h',
      series: {
        [`controller_runtime_reconcile_errors_total{${operatorPod},controller="movieticketing"}`]:
          '0+0x90',
      },
    },
  },
  {
    name: 'MovieTicketingReconcileStuck',
    severity: 'warning',
    expr: 'max by (namespace, name) (workqueue_longest_running_processor_seconds{name="movieticketing"}) > 300',
    for: '5m',
    summary: 'A reconcile of the operator does not end.',
    description:
      'It has been running for five minutes. The liveness probe restarts an operator that hears nothing of the API server.',
    labels: { namespace: 'movie-ticketing-system', name: 'movieticketing' },
    fires: {
      at: '20m',
      series: {
        [`workqueue_longest_running_processor_seconds{${operatorPod},name="movieticketing"}`]:
          '600x30',
      },
    },
    silent: {
      at: '20m',
      series: {
        [`workqueue_longest_running_processor_seconds{${operatorPod},name="movieticketing"}`]:
          '2x30',
      },
    },
  },
  {
    name: 'MovieTicketingLeaseFlaps',
    severity: 'warning',
    expr: 'sum by (namespace, name) (changes(leader_election_master_status{name="movie-ticketing-operator"}[1h])) > 6',
    for: '0m',
    summary: 'The replicas of the operator take the lead from each other.',
    description:
      'Each change ends a process. Most often the API server answers too slowly to renew the Lease.',
    labels: { namespace: 'movie-ticketing-system', name: 'movie-ticketing-operator' },
    fires: {
      at: '1h',
      series: {
        [`leader_election_master_status{${operatorPod},name="movie-ticketing-operator"}`]:
          '0 1 0 1 0 1 0 1 0 1x60',
      },
    },
    silent: {
      at: '1h',
      series: {
        [`leader_election_master_status{${operatorPod},name="movie-ticketing-operator"}`]: '0 1x60',
      },
    },
  },
];
