import { defineEndpoint } from '@movie-ticketing/kit/endpoint';
import { idParams } from '@movie-ticketing/kit/fields';
import { listOf } from '@movie-ticketing/kit/pagination';
import { z } from 'zod';

import { theater, theaterChange, theaterQuery, newTheater } from './theaters.schema.ts';

const tag = 'Theaters';
const oneTheater = z.strictObject({ theater });

export const theaterEndpoints = {
  listTheaters: defineEndpoint({
    method: 'get',
    path: '/theaters',
    operationId: 'listTheaters',
    summary: 'List theaters',
    description: 'Sorted by id.',
    tag,
    access: 'public',
    shared: true,
    query: theaterQuery,
    answers: { 200: listOf('theaters', theater) },
  }),
  getTheater: defineEndpoint({
    method: 'get',
    path: '/theaters/:id',
    operationId: 'getTheater',
    summary: 'Get a theater',
    tag,
    access: 'public',
    shared: true,
    params: idParams,
    answers: { 200: oneTheater },
    problems: ['not_found'],
  }),
  createTheater: defineEndpoint({
    method: 'post',
    path: '/theaters',
    operationId: 'createTheater',
    summary: 'Create a theater',
    tag,
    access: 'admin',
    idempotent: true,
    body: newTheater,
    answers: { 201: oneTheater },
  }),
  updateTheater: defineEndpoint({
    method: 'patch',
    path: '/theaters/:id',
    operationId: 'updateTheater',
    summary: 'Update a theater',
    description:
      'A new number of seats applies to new screenings; existing ones keep theirs. A theater with a seat plan has the seats of its plan. A time zone that would move an upcoming screening outside the run of its movie is refused.',
    tag,
    access: 'admin',
    params: idParams,
    body: theaterChange,
    answers: { 200: oneTheater },
    problems: ['not_found', 'outside_run'],
  }),
  deleteTheater: defineEndpoint({
    method: 'delete',
    path: '/theaters/:id',
    operationId: 'deleteTheater',
    summary: 'Delete a theater',
    description: 'Refused while the theater has screenings, past ones included.',
    tag,
    access: 'admin',
    params: idParams,
    answers: { 204: null },
    problems: ['not_found', 'in_use'],
  }),
};

export type TheaterEndpoints = typeof theaterEndpoints;
