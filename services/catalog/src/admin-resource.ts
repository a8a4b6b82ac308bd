import type { Database, Queryable } from '@movie-ticketing/kit/database';
import {
  bindRoutes,
  defineEndpoint,
  type Endpoints,
  type Handlers,
  type Route,
} from '@movie-ticketing/kit/endpoint';
import { verifierOf } from '@movie-ticketing/kit/conditional-requests';
import { idParams } from '@movie-ticketing/kit/fields';
import { withIdempotency } from '@movie-ticketing/kit/idempotency';
import { listOf, pageById, toPage } from '@movie-ticketing/kit/pagination';
import { Problem, type ProblemCode } from '@movie-ticketing/kit/problems';
import { isForeignKeyViolation, isUniqueViolation } from '@movie-ticketing/kit/sqlstate';
import { z } from 'zod';

import { created } from './responses.ts';

type Page = { limit: number; cursor?: readonly [number] };

/**
 * A resource that admins create, read, change and delete, and nobody else sees: its schemas and its table are all
 * that it has of its own.
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
  repository: (db: Queryable) => {
    list: (page: Page) => Promise<T[]>;
    find: (id: number) => Promise<T | undefined>;
    lock: (id: number) => Promise<T | undefined>;
    insert: (resource: New) => Promise<T>;
    update: (resource: T, change: Change) => Promise<T>;
    remove: (id: number) => Promise<void>;
  };
};

/** `ticket_type` as `TicketType`. */
const pascal = (name: string): string =>
  name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());

const words = (name: string): string => name.replaceAll('_', ' ');

const collectionOf = ({ plural }: { plural: string }): string => plural.replaceAll('_', '-');

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

/** @throws Problem name_taken, in_use */
const translate = async <Result>(
  {
    singular,
    uniqueField,
    inUse,
  }: Pick<AdminResource<{ id: number }, unknown, unknown>, 'singular' | 'uniqueField' | 'inUse'>,
  write: () => Promise<Result>,
): Promise<Result> => {
  try {
    return await write();
  } catch (error) {
    if (isUniqueViolation(error)) {
      throw new Problem('name_taken', {
        detail: `Another ${words(singular)} has this ${uniqueField ?? 'name'}.`,
        cause: error,
      });
    }
    if (isForeignKeyViolation(error)) throw new Problem('in_use', { detail: inUse, cause: error });
    throw error;
  }
};

export const adminRoutes = <T extends { id: number }, New, Change>(
  db: Database,
  resource: AdminResource<T, New, Change>,
): Route[] => {
  const { singular, plural, present, repository } = resource;
  const verifier = verifierOf(singular, present);
  const notFound = (): Problem =>
    new Problem('not_found', {
      detail: `${words(singular).replace(/^./, (letter) => letter.toUpperCase())} not found.`,
    });
  const found = (it: T | undefined): T => {
    if (it === undefined) throw notFound();
    return it;
  };
  const handlers: Handlers<Endpoints> = {
    [`list${pascal(plural)}`]: async ({ query }) => {
      const page = query as Page;
      const rows = await repository(db).list(page);
      const { rows: shown, nextCursor } = toPage(plural, rows, page.limit, ({ id }) => [id]);
      return { status: 200, body: { [plural]: shown.map(present), next_cursor: nextCursor } };
    },
    [`get${pascal(singular)}`]: async ({ params }) => ({
      status: 200,
      body: { [singular]: present(found(await repository(db).find(idOf(params)))) },
    }),
    [`create${pascal(singular)}`]: ({ body, idempotency }) =>
      withIdempotency(db, 'catalog_idempotency_keys', idempotency, async (tx) => {
        const made = await translate(resource, () => repository(tx).insert(body as New));
        return created(collectionOf(resource), singular, present(made));
      }),
    [`update${pascal(singular)}`]: async ({ params, body, precondition }) => {
      const changed = await db.transaction(async (tx) => {
        const current = found(await repository(tx).lock(idOf(params)));
        verifier(precondition)(current);
        return translate(resource, () => repository(tx).update(current, body as Change));
      });
      return { status: 200, body: { [singular]: present(changed) } };
    },
    [`delete${pascal(singular)}`]: async ({ params, precondition }) => {
      await db.transaction(async (tx) => {
        const current = found(await repository(tx).lock(idOf(params)));
        verifier(precondition)(current);
        await translate(resource, () => repository(tx).remove(current.id));
      });
      return { status: 204 };
    },
  };
  return bindRoutes(adminEndpoints(resource), handlers);
};

const idOf = (params: unknown): number => (params as z.output<typeof idParams>).id;
