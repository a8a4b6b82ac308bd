import { selectorOf } from '../../objects/labels.ts';
import type { MovieTicketing } from '../../resource/movie-ticketing.schema.ts';
import type { Component, NamedObject } from '../../steps/component.ts';
import { databaseTarget, databaseUser } from '../database-connection.ts';
import { databaseSecretName, isManaged, nameOf } from '../names.ts';
import { postgresPort } from '../ports.ts';
import { encoded } from '../secret-contents.ts';
import { certificateSecret, issuedCertificate } from './certificate.ts';
import { annotationsFor } from './image-check.component.ts';
import { checkImage } from './image-check.ts';
import { parametersConfig } from './postgres-parameters.ts';
import { podTemplate } from './postgres.pod.ts';
import { volumeStorage } from './volume-storage.ts';

const name = (resource: MovieTicketing): string => nameOf(resource, 'postgres');

/** Whether data of this resource outlive it. An external database always does. */
export const areDataRetained = ({ spec }: MovieTicketing): boolean =>
  spec.database.managed?.reclaimPolicy !== 'Delete';

/** The database's password and address. Retained together with the data that it opens. */
export const databaseSecret: NamedObject = {
  apiVersion: 'v1',
  kind: 'Secret',
  component: 'postgres',
  name: databaseSecretName,
  isRetained: areDataRetained,
  body: () => ({ type: 'Opaque' }),
  initialBody: ({ resource, observed }) => {
    const { host, port, name: database } = databaseTarget(resource);
    return {
      data: encoded({
        username: databaseUser,
        password: observed.fresh.databasePassword,
        host: `${host}.${resource.metadata.namespace}.svc`,
        port: String(port),
        database,
      }),
    };
  },
};

export const volume: NamedObject = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  component: 'postgres',
  name,
  isRetained: areDataRetained,
  neverDeleted: true,
  annotations: (context) => annotationsFor(checkImage(context).checked),
  body: (context) => ({
    spec: { accessModes: ['ReadWriteOnce'], ...volumeStorage(context) },
  }),
};

const parameters: NamedObject = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  component: 'postgres',
  name,
  body: ({ resource }) => ({ data: parametersConfig(resource) }),
};

/** An address that stays when the pod returns under another. */
const service: NamedObject = {
  apiVersion: 'v1',
  kind: 'Service',
  component: 'postgres',
  name,
  body: ({ resource }) => ({
    spec: {
      type: 'ClusterIP',
      selector: selectorOf(resource, 'postgres'),
      ports: [{ name: 'postgres', port: postgresPort, protocol: 'TCP', targetPort: 'postgres' }],
    },
  }),
};

export const statefulSet: NamedObject = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  component: 'postgres',
  name,
  body: (context) => ({
    spec: {
      replicas: 1,
      serviceName: name(context.resource),
      podManagementPolicy: 'OrderedReady',
      // The partition is explicit, so that an edit is drift: with one, no change would reach the pod.
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      revisionHistoryLimit: 3,
      selector: { matchLabels: selectorOf(context.resource, 'postgres') },
      template: podTemplate(context.resource, checkImage(context).image),
    },
  }),
};

export const postgres: Component = {
  name: 'postgres',
  when: isManaged,
  owns: [
    databaseSecret,
    certificateSecret,
    issuedCertificate,
    volume,
    parameters,
    service,
    statefulSet,
  ],
  connectsTo: () => [],
};
