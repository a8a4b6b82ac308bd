/**
 * SQL built from named columns. The text depends on the names alone, never on the values, so that a
 * statement can be prepared. Table and column names are constants of the code, never input.
 */
export type Statement = { text: string; values: unknown[] };

/** Values by column name. `undefined` leaves the column out; `null` sets it to NULL. */
export type ColumnValues = Readonly<Record<string, unknown>>;

/** The parameters of one statement. `add` returns the placeholder of a value: `$1`, `$2`, ... */
export const makeParameters = () => {
  const values: unknown[] = [];
  return { values, add: (value: unknown): string => `$${String(values.push(value))}` };
};

export type Parameters = ReturnType<typeof makeParameters>;

const present = (columns: ColumnValues): [string, unknown][] =>
  Object.entries(columns).filter(([, value]) => value !== undefined);

/** `a AND b`: conditions of a WHERE clause. False ones are left out; without any it is `true`. */
export const allOf = (conditions: readonly (string | false)[]): string =>
  conditions.filter((condition) => condition !== false).join(' AND ') || 'true';

/** `INSERT INTO table (a, b) VALUES ($1, $2) RETURNING ...` */
export const insertStatement = (
  table: string,
  columns: ColumnValues,
  returning: string,
): Statement => {
  const { values, add } = makeParameters();
  const entries = present(columns);
  const names = entries.map(([name]) => name).join(', ');
  const placeholders = entries.map(([, value]) => add(value)).join(', ');
  return {
    text: `INSERT INTO ${table} (${names}) VALUES (${placeholders}) RETURNING ${returning}`,
    values,
  };
};

/**
 * `UPDATE table SET a = $1, b = $2 WHERE id = $3 RETURNING ...`
 * @throws Error if no column is set: the caller must skip a change without effect
 */
export const updateStatement = (
  table: string,
  columns: ColumnValues,
  where: ColumnValues,
  returning: string,
): Statement => {
  const { values, add } = makeParameters();
  const equal = (entries: [string, unknown][]): string[] =>
    entries.map(([name, value]) => `${name} = ${add(value)}`);
  const assignments = equal(present(columns));
  if (assignments.length === 0) throw new Error(`an update of ${table} sets no column`);
  const conditions = equal(Object.entries(where));
  return {
    text: `UPDATE ${table} SET ${assignments.join(', ')} WHERE ${conditions.join(' AND ')} RETURNING ${returning}`,
    values,
  };
};

/** A column of many rows: its PostgreSQL type (`bigint`) and a value for each row. */
export type ColumnArray = { type: string; values: readonly unknown[] };

/**
 * Many rows in one statement, as a table expression with named columns:
 * `unnest($1::bigint[], $2::text[]) AS alias (id, name)`. Adds its arrays to `parameters`.
 */
export const unnestColumns = (
  parameters: Parameters,
  alias: string,
  columns: Readonly<Record<string, ColumnArray>>,
): string => {
  const arrays = Object.values(columns).map(
    ({ type, values }) => `${parameters.add(values)}::${type}[]`,
  );
  return `unnest(${arrays.join(', ')}) AS ${alias} (${Object.keys(columns).join(', ')})`;
};

/** A column of a row to insert: its PostgreSQL type, and its value in a row. */
export type RowColumns<Row> = Readonly<Record<string, readonly [string, (row: Row) => unknown]>>;

/** Many rows as the arrays of `unnestColumns`. */
const toArrays = <Row>(
  rows: readonly Row[],
  columns: RowColumns<Row>,
): Record<string, ColumnArray> =>
  Object.fromEntries(
    Object.entries(columns).map(([name, [type, valueOf]]) => [
      name,
      { type, values: rows.map(valueOf) },
    ]),
  );

/** `unnest($1::bigint[], $2::text[]) AS alias (id, name)` for rows. Adds its arrays to `parameters`. */
export const unnestRows = <Row>(
  parameters: Parameters,
  alias: string,
  rows: readonly Row[],
  columns: RowColumns<Row>,
): string => unnestColumns(parameters, alias, toArrays(rows, columns));

/** `INSERT INTO table (id, name) SELECT id, name FROM unnest(...)`. Adds its arrays to `parameters`. */
export const insertRows = <Row>(
  parameters: Parameters,
  table: string,
  rows: readonly Row[],
  columns: RowColumns<Row>,
): string => {
  const names = Object.keys(columns).join(', ');
  const source = unnestRows(parameters, 'inserted', rows, columns);
  return `INSERT INTO ${table} (${names}) SELECT ${names} FROM ${source}`;
};

/** Several writes as one statement, in one round trip: `WITH a AS (...), b AS (...) SELECT`. */
export const combineWrites = (writes: Readonly<Record<string, string>>): string => {
  const parts = Object.entries(writes).map(([name, text]) => `${name} AS (${text})`);
  return `WITH ${parts.join(', ')} SELECT`;
};
