import type { Seat, SeatPlanContent } from '@movie-ticketing/kit/seat-plan';
import { z } from 'zod';

const count = (maximum: number) => z.int().min(0).max(maximum);

/** The seats of a theater in theaters.json, by a few numbers. A plan with more detail is imported by the API. */
export const seating = z.strictObject({
  /** Seats of a row, from aisle to aisle. */
  blocks: z.array(z.int().min(1).max(40)).min(1).max(5),
  /** Rows of the stalls, from the screen to the back. */
  rows: z.int().min(1).max(25),
  /** Rows in the middle that cost more. */
  premium_rows: count(25).default(0),
  /** Rows at the back of the stalls whose seats are booked in pairs. */
  couple_rows: count(25).default(0),
  balcony_rows: count(10).default(0),
  /** At the ends of the first row, each with a companion seat. */
  wheelchair_spaces: count(2).default(0),
});

export type Seating = z.output<typeof seating>;

// Without I and O, which are easily misread as numbers.
const rowNames = 'ABCDEFGHJKLMNPQRSTUVWXYZ';

const aisleWidth = 2;
const balconyDepth = 3;

/** Where each seat of a row stands. */
const positionsOf = (blocks: readonly number[]): number[] =>
  blocks.flatMap((seats, block) => {
    const before = blocks.slice(0, block).reduce((sum, it) => sum + it, 0);
    return Array.from({ length: seats }, (_, seat) => before + seat + block * (aisleWidth - 1));
  });

type Row = { name: string; y: number; category: string; zone?: string; isCouples?: boolean };

const rowsOf = ({ rows, premium_rows, couple_rows, balcony_rows }: Seating): Row[] => {
  // Two thirds of the way to the back, where the screen is seen best.
  const firstPremium = Math.max(0, Math.ceil((rows * 2) / 3) - premium_rows);
  const stalls = Array.from({ length: rows }, (_, y): Row => {
    const isPremium = y >= firstPremium && y < firstPremium + premium_rows;
    const isCouples = y >= rows - couple_rows;
    const name = rowNames.charAt(y);
    return { name, y, category: isPremium ? 'Premium' : 'Stalls', isCouples };
  });
  const balcony = Array.from({ length: balcony_rows }, (_, row): Row => ({
    name: `Balcony ${rowNames.charAt(row)}`,
    y: rows + balconyDepth + row,
    category: 'Balcony',
    zone: 'Balcony',
  }));
  return [...stalls, ...balcony];
};

/** Seats 1 and 2 of a couple row are one couple seat, unless an aisle is between them. */
const groupOf = (row: Row, blocks: readonly number[], index: number): { group?: string } => {
  if (row.isCouples !== true) return {};
  let start = 0;
  for (const seats of blocks) {
    if (index < start + seats) {
      const pair = Math.floor((index - start) / 2);
      const isAlone = start + pair * 2 + 1 >= start + seats;
      return isAlone ? {} : { group: `${row.name} ${String(start + pair * 2 + 1)}` };
    }
    start += seats;
  }
  return {};
};

const seatsOf = (row: Row, { blocks }: Seating): Seat[] =>
  positionsOf(blocks).map((x, index) => {
    const number = String(index + 1);
    return {
      id: `${row.name}-${number}`,
      ...(row.zone === undefined ? {} : { zone: row.zone }),
      row: row.name,
      number,
      category: row.category,
      kind: 'standard',
      ...groupOf(row, blocks, index),
      x,
      y: row.y,
    };
  });

/** The ends of the first row as wheelchair spaces, with the seat beside each as its companion seat. */
const withWheelchairSpaces = (row: readonly Seat[], spaces: number): Seat[] => {
  const places = [
    [0, 1],
    [row.length - 1, row.length - 2],
  ].slice(0, spaces);
  return row.map((seat, index) => {
    if (places.some(([space]) => space === index)) return { ...seat, kind: 'wheelchair' };
    const place = places.find(([, companion]) => companion === index);
    const space = place === undefined ? undefined : row[place[0] ?? -1];
    return space === undefined ? seat : { ...seat, kind: 'companion', companion_of: space.id };
  });
};

const colors: Readonly<Record<string, string>> = {
  Stalls: '#3366cc',
  Premium: '#dc3912',
  Balcony: '#109618',
};

/** The seat plan that a seating describes. */
export const planOfSeating = (of: Seating): SeatPlanContent => {
  const rows = rowsOf(of).map((row) => seatsOf(row, of));
  const [first = [], ...others] = rows;
  const seats = [...withWheelchairSpaces(first, of.wheelchair_spaces), ...others.flat()];
  const names = [...new Set(seats.map(({ category }) => category))];
  return { categories: names.map((name) => ({ name, color: colors[name] ?? '#3366cc' })), seats };
};
