import type { Manifest, ObjectKey, OwnedRef } from '../objects/manifest.ts';
import type { MovieTicketingStatus } from '../resource/movie-ticketing.schema.ts';

/** To be recorded on the resource; never holds a Secret's value. */
export type Event = { type: 'Normal' | 'Warning'; reason: string; message: string };

/**
 * What `decide` wants `apply` to do, in this order: create, keep, apply, delete, status, events. An error in one
 * object does not stop the others: it is kept in `Observed.refusals`.
 */
export type Plan = {
  /** POST, once: an object that exists is left unchanged (409 is success). For Secrets. */
  create: readonly Manifest[];
  /** The same by `keepingOwner`: single fields that the applies leave out and that keep their values. */
  keep: readonly Manifest[];
  /** Forced server-side apply by `fieldOwner`. */
  apply: readonly Manifest[];
  /** With `uid` as a precondition; propagation Background; 404 and 409 are success. */
  delete: readonly OwnedRef[];
  /** Objects that are not sent, because the API server has just refused them. */
  withheld: readonly ObjectKey[];
  /** The whole new status; the same object as `resource.status` where nothing changed. */
  status: MovieTicketingStatus;
  /** Only where the status changed. */
  events: readonly Event[];
  /** Milliseconds; where only time brings a change. */
  requeueAfterMs?: number;
};
