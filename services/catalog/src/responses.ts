import type { ApiResponse } from '@movie-ticketing/kit/endpoint';

/** 201 with the new resource in its envelope, and its address. */
export const created = (
  collection: string,
  envelope: string,
  resource: { id: number },
): ApiResponse => ({
  status: 201,
  headers: { Location: `/${collection}/${String(resource.id)}` },
  body: { [envelope]: resource },
});
