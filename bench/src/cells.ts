/** How bookings are run: as we do it, or as the control does. */
export type Variant = 'batch' | 'control';
export type Tool = 'autocannon' | 'wrk';
/** All on one screening, or over a thousand. */
export type Target = 'hot' | 'spread';

export type BookingCell = {
  kind: 'bookings';
  target: Target;
  clients: number;
  /** With an Idempotency-Key of its own on every request. */
  keys: boolean;
  variant: Variant;
  tool: Tool;
};

export const reads = ['GET /movies', 'GET /movies/1', 'GET /screenings/1'] as const;

export type ReadCell = {
  kind: 'reads';
  read: (typeof reads)[number];
  clients: number;
  variant: 'batch';
  tool: Tool;
};

export type Cell = BookingCell | ReadCell;

export const nameOf = (cell: Cell): string =>
  cell.kind === 'reads'
    ? `${cell.read}, ${String(cell.clients)} clients, ${cell.tool}`
    : `bookings ${cell.target}, ${String(cell.clients)} clients, ${cell.keys ? 'keys' : 'no keys'}, ${cell.variant}, ${cell.tool}`;

/**
 * What is measured, in order. Ours and its control follow each other directly, so that a machine that
 * grows busier does so for both.
 */
export const planCells = (options: {
  clients: readonly number[];
  hasWrk: boolean;
  /** Names to keep. */
  only?: RegExp | undefined;
}): Cell[] => {
  const cells: Cell[] = [];
  const ours: Tool[] = options.hasWrk ? ['autocannon', 'wrk'] : ['autocannon'];
  for (const target of ['hot', 'spread'] as const) {
    for (const clients of options.clients) {
      for (const keys of [false, true]) {
        const cell = { kind: 'bookings', target, clients, keys } as const;
        cells.push({ ...cell, variant: 'batch', tool: 'autocannon' });
        cells.push({ ...cell, variant: 'control', tool: 'autocannon' });
        if (options.hasWrk) cells.push({ ...cell, variant: 'batch', tool: 'wrk' });
      }
    }
  }
  for (const read of reads) {
    for (const tool of ours) {
      cells.push({ kind: 'reads', read, clients: 64, variant: 'batch', tool });
    }
  }
  return cells.filter((cell) => options.only?.test(nameOf(cell)) ?? true);
};
