/** How bookings are made: in shared batches, or each in a transaction of its own. */
export type Variant = 'batch' | 'control';
/** One screening or a thousand of general admission; one of 2,000 numbered seats, chosen or best available. */
export type Target = 'hot' | 'spread' | 'chosen' | 'best';

export const isSeated = (target: Target): boolean => target === 'chosen' || target === 'best';

export type BookingCell = {
  kind: 'bookings';
  target: Target;
  clients: number;
  /** Whether each request has an Idempotency-Key of its own. */
  keys: boolean;
  variant: Variant;
};

/** The first screening with numbered seats comes after two sets of 1,000 others. */
export const reads = [
  'GET /movies',
  'GET /movies/1',
  'GET /screenings/1',
  'GET /screenings/2001/seats',
] as const;

export type ReadCell = {
  kind: 'reads';
  read: (typeof reads)[number];
  clients: number;
  variant: 'batch';
};

export type Cell = BookingCell | ReadCell;

const bookingName = ({ target, clients, keys, variant }: BookingCell): string =>
  `bookings ${target}, ${String(clients)} clients, ${keys ? 'with keys, ' : ''}${variant}`;

export const nameOf = (cell: Cell): string =>
  cell.kind === 'reads' ? `${cell.read}, ${String(cell.clients)} clients` : bookingName(cell);

/** The cells of one round. A cell and its control are neighbors, so that other load affects both alike. */
export const planCells = (options: {
  clients: readonly number[];
  /** Names of the cells to measure. */
  only?: RegExp | undefined;
}): Cell[] => {
  const cells: Cell[] = [];
  for (const target of ['hot', 'spread'] as const) {
    for (const clients of options.clients) {
      const cell = { kind: 'bookings', target, clients, keys: false } as const;
      cells.push({ ...cell, variant: 'control' });
      cells.push({ ...cell, variant: 'batch' });
      cells.push({ ...cell, variant: 'batch', keys: true });
      if (target === 'hot' && clients >= 64) {
        cells.push({ ...cell, target: 'chosen', variant: 'batch' });
        cells.push({ ...cell, target: 'best', variant: 'batch' });
      }
    }
  }
  for (const read of reads) cells.push({ kind: 'reads', read, clients: 64, variant: 'batch' });
  return cells.filter((cell) => options.only?.test(nameOf(cell)) ?? true);
};
