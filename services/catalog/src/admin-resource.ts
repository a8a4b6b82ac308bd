import type { Database, Queryable } from '@movie-ticketing/kit/database';
import {
  bindRoutes,
  type Endpoints,
  type Handlers,
  type Route,
} from '@movie-ticketing/kit/endpoint';
import { verifierOf } from '@movie-ticketing/kit/conditional-requests';
import type { idParams } from '@movie-ticketing/kit/fields';
import { withIdempotency } from '@movie-ticketing/kit/idempotency';
import { toPage } from '@movie-ticketing/kit/pagination';
import { Problem } from '@movie-ticketing/kit/problems';
import { isForeignKeyViolation, isUniqueViolation } from '@movie-ticketing/kit/sqlstate';
import type { z } from 'zod';

import {
  adminEndpoints,
  collectionOf,
  pascal,
  words,
  type AdminResource,
} from './admin-resource.endpoints.ts';
import { created } from './responses.ts';

type Page = { limit: number; cursor?: readonly [number] };

/** The statements of a resource. `onTable` has those of a table without further rows. */
export type AdminRepository<T, New, Change> = {
  list: (page: Page) => Promise<T[]>;
  find: (id: number) => Promise<T | undefined>;
  lock: (id: number) => Promise<T | undefined>;
  insert: (resource: New) => Promise<T>;
  update: (resource: T, change: Change) => Promise<T>;
  remove: (id: number) => Promise<void>;
};

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
  repository: (db: Queryable) => AdminRepository<T, New, Change>,
): Route[] => {
  const { singular, plural, present } = resource;
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
