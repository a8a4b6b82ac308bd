import { describe, expect, test } from '@jest/globals';

import {
  insertStatement,
  makeParameters,
  unnestColumns,
  updateStatement,
} from '../src/statements.ts';

describe('statements built from named columns', () => {
  test('an insert leaves out undefined columns and keeps null ones', () => {
    const columns = { title: 'Alien', tagline: null, rating: undefined };
    expect(insertStatement('movies', columns, 'id, title')).toEqual({
      text: 'INSERT INTO movies (title, tagline) VALUES ($1, $2) RETURNING id, title',
      values: ['Alien', null],
    });
  });

  test('an update sets a column to NULL and leaves undefined ones unchanged', () => {
    const columns = { title: undefined, tagline: null };
    expect(updateStatement('movies', columns, { id: 7 }, 'id')).toEqual({
      text: 'UPDATE movies SET tagline = $1 WHERE id = $2 RETURNING id',
      values: [null, 7],
    });
  });

  test('an update that sets no column is refused', () => {
    expect(() => updateStatement('movies', { title: undefined }, { id: 7 }, 'id')).toThrow(
      'an update of movies sets no column',
    );
  });

  test('arrays become a table expression with the names of its columns', () => {
    const parameters = makeParameters();
    parameters.add('first');
    const rows = unnestColumns(parameters, 'taken', {
      id: { type: 'bigint', values: [1, 2] },
      seats: { type: 'int', values: [3, 4] },
    });
    expect(rows).toBe('unnest($2::bigint[], $3::int[]) AS taken (id, seats)');
    expect(parameters.values).toEqual(['first', [1, 2], [3, 4]]);
  });
});
