import { defineEndpoint, type Endpoints } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';
import { listOf, pageById } from '@movie-ticketing/kit/pagination';
import type { ProblemCode } from '@movie-ticketing/kit/problems';
import { z } from 'zod';

/**
 * A resource that admins create, read, change and delete, and nobody else sees: its schemas and its table
 * (`AdminRepository`) are all that it has of its own.
 */
export type AdminResource<T extends { id: number }, New, Change> = {
  /** `ticket_type`, as in its envelope. */
  singular: string;
  /** `ticket_types` */
  plural: string;
  tag: string;
  /** What it is, for the descriptions. */
  description: string;
  schema: z.ZodType;
  newSchema: z.ZodType<New>;
  changeSchema: z.ZodType<Change>;
  present: (resource: T) => { id: number };
  /** What two of them cannot share, for `name_taken`; absent: nothing. */
  uniqueField?: string;
  /** Why one that is in use cannot be deleted. */
  inUse: string;
  problems?: readonly ProblemCode[];
};

/** `ticket_type` as `TicketType`. */
export const pascal = (name: string): string =>
  name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

export const words = (name: string): string => name.replaceAll('_', ' ');

export const collectionOf = ({ plural }: { plural: string }): string => plural.replaceAll('_', '-');

/** What the endpoints of a resource have in common. */
const sharedBy = <T extends { id: number }, New, Change>(
  resource: AdminResource<T, New, Change>,
) => {
  const path = `/${collectionOf(resource)}`;
  const all = { tag: resource.tag, access: 'admin', path } as const;
  return {
    all,
    one: { ...all, path: `${path}/:id`, params: idParams } as const,
    envelope: z.strictObject({ [resource.singular]: resource.schema }),
    problems: [
      ...(resource.uniqueField === undefined ? [] : ['name_taken' as const]),
      ...(resource.problems ?? []),
    ],
  };
};

const readsOf = <T extends { id: number }, New, Change>(
  resource: AdminResource<T, New, Change>,
): Endpoints => {
  const { singular, plural, schema } = resource;
  const { all, one, envelope } = sharedBy(resource);
  return {
    [`list${pascal(plural)}`]: defineEndpoint({
      ...all,
      method: 'get',
      operationId: `list${pascal(plural)}`,
      summary: `List ${words(plural)}`,
      description: 'Sorted by id.',
      query: z.strictObject(pageById(plural)),
      answers: { 200: listOf(plural, schema) },
    }),
    [`get${pascal(singular)}`]: defineEndpoint({
      ...one,
      method: 'get',
      operationId: `get${pascal(singular)}`,
      summary: `Get a ${words(singular)}`,
      answers: { 200: envelope },
      problems: ['not_found'],
    }),
  };
};

const writesOf = <T extends { id: number }, New, Change>(
  resource: AdminResource<T, New, Change>,
): Endpoints => {
  const { singular } = resource;
  const { all, one, envelope, problems } = sharedBy(resource);
  return {
    [`create${pascal(singular)}`]: defineEndpoint({
      ...all,
      method: 'post',
      operationId: `create${pascal(singular)}`,
      summary: `Create a ${words(singular)}`,
      description: resource.description,
      idempotent: true,
      body: resource.newSchema,
      answers: { 201: envelope },
      problems,
    }),
    [`update${pascal(singular)}`]: defineEndpoint({
      ...one,
      method: 'patch',
      operationId: `update${pascal(singular)}`,
      summary: `Update a ${words(singular)}`,
      description: 'Bookings keep the amounts that were fixed when they were made.',
      body: resource.changeSchema,
      answers: { 200: envelope },
      problems: ['not_found', ...problems],
    }),
    [`delete${pascal(singular)}`]: defineEndpoint({
      ...one,
      method: 'delete',
      operationId: `delete${pascal(singular)}`,
      summary: `Delete a ${words(singular)}`,
      answers: { 204: null },
      problems: ['not_found', 'in_use'],
    }),
  };
};

/** The endpoints of the resource, by operationId. */
export const adminEndpoints = <T extends { id: number }, New, Change>(
  resource: AdminResource<T, New, Change>,
): Endpoints => ({ ...readsOf(resource), ...writesOf(resource) });
