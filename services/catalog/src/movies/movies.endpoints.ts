import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';
import { listOf } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { movie, movieChange, movieQuery, newMovie } from './movies.schema.ts';

const tag = 'Movies';
const oneMovie = z.strictObject({ movie });

const reads = {
  listMovies: defineEndpoint({
    method: 'get',
    path: '/movies',
    operationId: 'listMovies',
    summary: 'List movies',
    description: 'Sorted by id.',
    tag,
    access: 'public',
    shared: true,
    query: movieQuery,
    answers: { 200: listOf('movies', movie) },
  }),
  getMovie: defineEndpoint({
    method: 'get',
    path: '/movies/:id',
    operationId: 'getMovie',
    summary: 'Get a movie',
    tag,
    access: 'public',
    shared: true,
    params: idParams,
    answers: { 200: oneMovie },
    problems: ['not_found'],
  }),
};

const writes = (currency: string | undefined) => ({
  createMovie: defineEndpoint({
    method: 'post',
    path: '/movies',
    operationId: 'createMovie',
    summary: 'Create a movie',
    tag,
    access: 'admin',
    idempotent: true,
    body: newMovie(currency),
    answers: { 201: oneMovie },
  }),
  updateMovie: defineEndpoint({
    method: 'patch',
    path: '/movies/:id',
    operationId: 'updateMovie',
    summary: 'Update a movie',
    description:
      'Existing screenings keep their price and times. A run that would leave an upcoming scheduled screening outside is refused.',
    tag,
    access: 'admin',
    params: idParams,
    body: movieChange(currency),
    answers: { 200: oneMovie },
    problems: ['not_found', 'outside_run'],
  }),
  deleteMovie: defineEndpoint({
    method: 'delete',
    path: '/movies/:id',
    operationId: 'deleteMovie',
    summary: 'Delete a movie',
    description: 'Refused while the movie has screenings, past ones included.',
    tag,
    access: 'admin',
    params: idParams,
    answers: { 204: null },
    problems: ['not_found', 'in_use'],
  }),
});

export const movieEndpoints = ({ currency }: { currency: string | undefined }) => ({
  ...reads,
  ...writes(currency),
});

export type MovieEndpoints = ReturnType<typeof movieEndpoints>;
