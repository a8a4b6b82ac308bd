/** A PATCH that changes nothing is a mistake of the client: `schema.refine(...atLeastOneField)`. */
export const atLeastOneField = [
  (body: object): boolean => Object.keys(body).length > 0,
  'must have at least one field to change',
] as const;
