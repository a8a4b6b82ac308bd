import type { IncomingMessage } from 'node:http';

import type { Precondition, Verify } from './endpoint.ts';
import { invalid, Problem } from './problems.ts';
import { etagOf } from './response.ts';

const entityTag = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`;
/** `*` or a list of ETags. */
export const ifMatchPattern = String.raw`^(?:\*|${entityTag}(?:\s*,\s*${entityTag})*)$`;
const ifMatchSyntax = new RegExp(ifMatchPattern);

/** Whether requests of this method change one resource, so that they take a precondition. */
export const changesResource = (method: string): boolean =>
  method === 'patch' || method === 'delete';

const failed = (detail: string): Problem => new Problem('precondition_failed', { detail });

/**
 * What `If-Match` or `If-Unmodified-Since` demands of a resource that a request is about to change.
 * The comparison is strong: a weak ETag matches nothing.
 * @throws Problem invalid_request for a malformed If-Match
 */
export const preconditionOf = (req: IncomingMessage): Precondition | undefined => {
  const ifMatch = req.headers['if-match'];
  if (ifMatch === undefined) {
    if (req.headers['if-unmodified-since'] === undefined) return undefined;
    // There are no modification dates. A client that asks for protection must not overwrite a change.
    return () => {
      throw failed('If-Unmodified-Since cannot be checked: send the ETag as If-Match instead.');
    };
  }
  if (ifMatch === '*') return undefined;
  if (!ifMatchSyntax.test(ifMatch)) {
    throw invalid('If-Match', 'must be * or a list of ETags in double quotes');
  }
  const named = new Set(ifMatch.match(new RegExp(entityTag, 'g')));
  return (representation) => {
    if (named.has(etagOf(JSON.stringify(representation)))) return;
    throw failed('The resource has changed since it was read. Read it again.');
  };
};

/** A request's precondition as the service calls it: with the resource itself, which is presented here. */
export const verifierOf =
  <T>(envelope: string, present: (resource: T) => object) =>
  (precondition: Precondition | undefined): Verify<T> =>
  (resource) => {
    precondition?.({ [envelope]: present(resource) });
  };
