import { onlyRow, type Queryable } from '@movie-ticketing/kit/database';
import {
  insertStatement,
  updateStatement,
  type ColumnValues,
} from '@movie-ticketing/kit/statements';

/** A table whose rows are read as one kind of resource. `columns` may have expressions with a name. */
export type Table<Row, T> = { name: string; columns: string; toResource: (row: Row) => T };

/** The statements that every resource has. A table has one list of columns, for `find` is prepared by its name. */
export const onTable = <Row, T>({ name, columns, toResource }: Table<Row, T>, db: Queryable) => {
  const read = async (text: string, values: readonly unknown[]): Promise<T[]> =>
    (await db.query<Row>(text, values)).map(toResource);
  return {
    /** One row more than `limit` where there is a next page. */
    list: ({ limit, cursor }: { limit: number; cursor?: readonly [number] }): Promise<T[]> =>
      read(`SELECT ${columns} FROM ${name} WHERE id > $1 ORDER BY id LIMIT $2`, [
        cursor?.[0] ?? 0,
        limit + 1,
      ]),
    find: async (id: number): Promise<T | undefined> =>
      (
        await db.query<Row>(
          `SELECT ${columns} FROM ${name} WHERE id = $1`,
          [id],
          `catalog.${name}.find`,
        )
      ).map(toResource)[0],
    lock: async (id: number): Promise<T | undefined> =>
      (await read(`SELECT ${columns} FROM ${name} WHERE id = $1 FOR NO KEY UPDATE`, [id]))[0],
    insert: async (values: ColumnValues): Promise<T> => {
      const statement = insertStatement(name, values, columns);
      return onlyRow(await read(statement.text, statement.values));
    },
    /** Of a locked row. */
    update: async (id: number, values: ColumnValues): Promise<T> => {
      const statement = updateStatement(name, values, { id }, columns);
      return onlyRow(await read(statement.text, statement.values));
    },
    remove: async (id: number): Promise<void> => {
      await db.query(`DELETE FROM ${name} WHERE id = $1`, [id]);
    },
  };
};
