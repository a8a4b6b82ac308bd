import { ofOperator, type Alert } from './alert.ts';

const ofResource = { resource_namespace: 'cinema', resource: 'tickets' };
const place = '{{ $labels.resource_namespace }}/{{ $labels.resource }}';

const condition = (type: string, status: string): string =>
  `movie_ticketing_condition{resource_namespace="cinema",resource="tickets",type="${type}",status="${status}"}`;

const conditionIs = (type: string, status: string): string =>
  `max by (${ofOperator}) (movie_ticketing_condition{type="${type}",status="${status}"}) == 1`;

const day = 86_400;

/** Of the custom resources, as the operator reports them. */
export const resourceAlerts: readonly Alert[] = [
  {
    name: 'MovieTicketingUnavailable',
    severity: 'critical',
    expr: conditionIs('Available', 'False'),
    for: '2m',
    summary: `No tickets can be booked in ${place}.`,
    description: 'The condition Available is False. Its message names the cause and what to do.',
    labels: ofResource,
    fires: { at: '10m', series: { [condition('Available', 'False')]: '1x20' } },
    silent: { at: '10m', series: { [condition('Available', 'True')]: '1x20' } },
  },
  {
    name: 'MovieTicketingDegraded',
    severity: 'warning',
    expr: conditionIs('Degraded', 'True'),
    for: '15m',
    summary: `${place} has a problem.`,
    description:
      'The condition Degraded has been True for 15 minutes. Its message names the cause and what to do.',
    labels: ofResource,
    fires: { at: '20m', series: { [condition('Degraded', 'True')]: '1x30' } },
    // It heals within the time.
    silent: { at: '20m', series: { [condition('Degraded', 'True')]: '1x10 _x20' } },
  },
  {
    name: 'MovieTicketingBackupFails',
    severity: 'warning',
    expr: conditionIs('BackupHealthy', 'False'),
    for: '1h',
    summary: `The backups of ${place} fail.`,
    description:
      'The condition BackupHealthy has been False for an hour. What was backed up before is untouched.',
    labels: ofResource,
    fires: { at: '90m', series: { [condition('BackupHealthy', 'False')]: '1x100' } },
    silent: { at: '90m', series: { [condition('BackupHealthy', 'True')]: '1x100' } },
  },
  {
    name: 'MovieTicketingBackupOld',
    severity: 'critical',
    expr: `time() - max by (${ofOperator}) (movie_ticketing_backup_recovery_point_timestamp_seconds) > 2 * ${String(day)}`,
    for: '10m',
    summary: `The last backup of ${place} is older than two days.`,
    description: 'What was booked since then would be lost with the database.',
    labels: ofResource,
    fires: {
      at: '50h',
      series: {
        'movie_ticketing_backup_recovery_point_timestamp_seconds{resource_namespace="cinema",resource="tickets"}':
          '0x110',
      },
      interval: '30m',
    },
    silent: {
      at: '50h',
      series: {
        'movie_ticketing_backup_recovery_point_timestamp_seconds{resource_namespace="cinema",resource="tickets"}':
          '0+1800x110',
      },
      interval: '30m',
    },
  },
  {
    name: 'MovieTicketingRestoreUnverified',
    severity: 'warning',
    expr: `time() - max by (${ofOperator}) (movie_ticketing_backup_last_verified_timestamp_seconds) > 14 * ${String(day)}\nor ${conditionIs('RestoreVerified', 'False')}`,
    for: '1h',
    summary: `No backup of ${place} has been restored and checked lately.`,
    description:
      'The verification has failed, or none has succeeded for 14 days. Whether the backups can be restored is not known.',
    labels: ofResource,
    fires: { at: '2h', series: { [condition('RestoreVerified', 'False')]: '1x200' } },
    silent: {
      at: '2h',
      series: {
        [condition('RestoreVerified', 'True')]: '1x200',
        'movie_ticketing_backup_last_verified_timestamp_seconds{resource_namespace="cinema",resource="tickets"}':
          '0x200',
      },
    },
  },
  {
    name: 'MovieTicketingConnectionsTight',
    severity: 'warning',
    expr: `max by (${ofOperator}) (movie_ticketing_database_connections_needed)\n/ max by (${ofOperator}) (movie_ticketing_database_connections_available) > 0.85`,
    for: '15m',
    summary: `The pods of ${place} may need more connections than PostgreSQL has.`,
    description:
      'Even the smallest pools take more than 85 % of the connections when every service has its most pods. Raise max_connections before maxReplicas.',
    labels: ofResource,
    fires: {
      at: '30m',
      series: {
        'movie_ticketing_database_connections_needed{resource_namespace="cinema",resource="tickets"}':
          '90x40',
        'movie_ticketing_database_connections_available{resource_namespace="cinema",resource="tickets"}':
          '92x40',
      },
    },
    silent: {
      at: '30m',
      series: {
        'movie_ticketing_database_connections_needed{resource_namespace="cinema",resource="tickets"}':
          '90x40',
        'movie_ticketing_database_connections_available{resource_namespace="cinema",resource="tickets"}':
          '289x40',
      },
    },
  },
];
