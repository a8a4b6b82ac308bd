import type { BackupStorage } from '../../resource/backup.schema.ts';
import type { Connection } from '../../steps/component.ts';
import { fromSecret, type EnvironmentVariable } from '../database-connection.ts';

/** How a pod reaches the place where backups are kept (backups/src/main.ts). */

const folder = '/backup';

const plain = (name: string, value: string): EnvironmentVariable => ({ name, value });

export const storageEnvironment = ({ s3 }: BackupStorage): EnvironmentVariable[] => {
  if (s3 === undefined) return [plain('BACKUP_FOLDER', folder)];
  const secret = s3.credentialsSecretRef.name;
  return [
    plain('S3_BUCKET', s3.bucket),
    plain('S3_PREFIX', s3.prefix),
    plain('S3_REGION', s3.region),
    ...(s3.endpoint === undefined ? [] : [plain('S3_ENDPOINT', s3.endpoint)]),
    plain('S3_FORCE_PATH_STYLE', String(s3.forcePathStyle)),
    fromSecret('S3_ACCESS_KEY_ID', secret, 'access-key-id'),
    fromSecret('S3_SECRET_ACCESS_KEY', secret, 'secret-access-key'),
  ];
};

export const storageVolumes = ({ persistentVolumeClaim }: BackupStorage) =>
  persistentVolumeClaim === undefined ? [] : [{ name: 'backup', persistentVolumeClaim }];

export const storageMounts = ({ persistentVolumeClaim }: BackupStorage) =>
  persistentVolumeClaim === undefined ? [] : [{ name: 'backup', mountPath: folder }];

/** A NetworkPolicy cannot name a host: a bucket is any address at its port. */
export const storageConnection = ({ s3 }: BackupStorage): Connection[] => {
  if (s3 === undefined) return [];
  const { protocol, port } = new URL(s3.endpoint ?? 'https://s3.amazonaws.com');
  const standard = protocol === 'https:' ? 443 : 80;
  return [{ to: 'any', port: port === '' ? standard : Number(port) }];
};
