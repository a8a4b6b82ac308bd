import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from '@jest/globals';

import { readSeatPlan, type SeatPlanFile } from '../src/seat-plans/read-seat-plan.ts';

const seatsOf = (file: SeatPlanFile, kinds = {}) => {
  const read = readSeatPlan(file, kinds);
  if ('errors' in read) throw new Error(JSON.stringify(read.errors));
  return read;
};

const errorsOf = (file: SeatPlanFile): string[] => {
  const read = readSeatPlan(file);
  return 'errors' in read ? read.errors.map(({ path, message }) => `${path}: ${message}`) : [];
};

const seat = (number: number, more: object = {}) => ({
  row: 'A',
  number: String(number),
  category: 'Stalls',
  ...more,
});

const ours = (seats: object[], categories: object[] = [{ name: 'Stalls', color: '#3366cc' }]) => ({
  name: 'Main',
  categories,
  seats,
});

describe('a seat plan in our JSON', () => {
  test('gives a seat its id, kind and place unless the file does', () => {
    const { name, seats } = seatsOf(ours([seat(1), seat(2, { id: 'best', x: 7.5, y: 2 })]));
    expect(name).toBe('Main');
    expect(seats).toEqual([
      { id: 'A-1', row: 'A', number: '1', category: 'Stalls', kind: 'standard', x: 0, y: 0 },
      { id: 'best', row: 'A', number: '2', category: 'Stalls', kind: 'standard', x: 7.5, y: 2 },
    ]);
  });

  test('takes 5,000 seats and no more', () => {
    const many = Array.from({ length: 5_000 }, (_, index) => seat(index));
    expect(seatsOf(ours(many)).seats).toHaveLength(5_000);
    expect(errorsOf(ours([...many, seat(5_000)]))).toEqual([': must have at most 5000 seats']);
  });

  test('names the place of each fault', () => {
    const faults = [
      seat(1),
      seat(1),
      seat(2, { category: 'Balcony' }),
      seat(3, { kind: 'sofa' }),
      seat(4, { colour: 'red' }),
      seat(5, { kind: 'companion' }),
      seat(6, { kind: 'companion', companion_of: 'A-1' }),
      seat(7, { group: 'couple' }),
      seat(8, { x: 'left' }),
    ];
    const categories = [{ name: 'Stalls', color: 'blue' }];
    expect(errorsOf(ours(faults, categories))).toEqual([
      'categories.0.color: must be a color like #3366cc',
      'seats.3.kind: must be one of: standard, wheelchair, companion',
      'seats.4.colour: is not a known field',
      'seats.8.x: must be a number',
      'seats.0.category: there is no category Stalls',
      'seats.1.id: the seat A-1 exists already',
      'seats.1.category: there is no category Stalls',
      'seats.2.category: there is no category Balcony',
      'seats.5.category: there is no category Stalls',
      'seats.6.category: there is no category Stalls',
      'seats.7.category: there is no category Stalls',
      'seats.7.group: the group couple must have 2 to 10 seats',
      'seats.5.companion_of: must name the wheelchair space of this companion seat',
      'seats.6.companion_of: A-1 is not a wheelchair space',
    ]);
  });

  test('rejects a plan without seats', () => {
    expect(errorsOf(ours([]))).toEqual([': must have at least one seat']);
    expect(errorsOf({ seats: 'all' })).toEqual([': must have at least one seat']);
    expect(errorsOf({ seats: [null] })[0]).toMatch(/^seats\.0\./);
  });
});

describe('a seating plan of pretix', () => {
  const pretix = {
    name: 'Ritz',
    categories: [
      { name: 'Stalls', color: 'red' },
      { name: 'Wheelchair', color: '#00ff00' },
      { name: 'Carer', color: '#0000ff' },
    ],
    zones: [
      {
        name: 'Ground floor',
        position: { x: 100, y: 200 },
        rows: [
          {
            row_number: '1',
            position: { x: 10, y: 20 },
            seats: [
              { seat_guid: 'g1', seat_number: '1', position: { x: 1, y: 2 }, category: 'Stalls' },
              {
                seat_guid: 'g2',
                seat_number: '2',
                position: { x: 3, y: 2 },
                category: 'Wheelchair',
              },
              { seat_guid: 'g3', seat_number: '3', position: { x: 5, y: 2 }, category: 'Carer' },
            ],
          },
        ],
        areas: [{ shape: 'circle' }],
      },
    ],
    size: { width: 600, height: 400 },
  };

  test('keeps ids, adds positions up and maps categories to kinds', () => {
    const { seats, categories } = seatsOf(pretix, { wheelchair: 'Wheelchair', companion: 'Carer' });
    expect(categories[0]).toEqual({ name: 'Stalls', color: '#3366cc' });
    expect(
      seats.map(({ id, kind, companion_of, x, y }) => ({ id, kind, companion_of, x, y })),
    ).toEqual([
      { id: 'g1', kind: 'standard', companion_of: undefined, x: 111, y: 222 },
      { id: 'g2', kind: 'wheelchair', companion_of: undefined, x: 113, y: 222 },
      { id: 'g3', kind: 'companion', companion_of: 'g2', x: 115, y: 222 },
    ]);
  });

  test('names the place of a fault in the words of pretix', () => {
    const [zone] = pretix.zones;
    const [row] = zone?.rows ?? [];
    const seats = [{ seat_number: '1', category: 'Stalls' }, 'seat'];
    const broken = { ...pretix, zones: [{ ...zone, rows: [{ ...row, seats }] }] };
    expect(errorsOf(broken)).toEqual([
      'zones.0.rows.0.seats.0.seat_guid: is required',
      ...Array.from({ length: 7 }, () => expect.stringMatching(/^zones\.0\.rows\.0\.seats\.1: /)),
    ]);
  });
});

describe('a seat plan in CSV', () => {
  const header = 'zone,row,seat,category,kind,group,companion_of,x,y';

  test('reads every column', () => {
    const file = [
      header,
      'Balcony,A,1,Stalls,standard,pair,,1,2',
      'Balcony,A,2,Stalls,,pair,,2,2',
      'Balcony,A,3,Stalls,wheelchair,,,3,2',
      '"Balcony",A,4,Stalls,companion,,A-3,4.5,2',
    ].join('\r\n');
    const { seats, categories } = seatsOf(`\uFEFF${file}\r\n`);
    expect(categories).toEqual([{ name: 'Stalls', color: '#3366cc' }]);
    expect(seats[1]).toEqual({
      ...{ id: 'A-2', zone: 'Balcony', row: 'A', number: '2', category: 'Stalls' },
      ...{ kind: 'standard', group: 'pair', x: 2, y: 2 },
    });
    expect(seats[3]).toMatchObject({ kind: 'companion', companion_of: 'A-3', x: 4.5 });
  });

  test('needs only row, seat and category', () => {
    expect(seatsOf('row,seat,category\nA,1,Stalls\nA,2,Stalls\nB,1,Stalls').seats).toMatchObject([
      { id: 'A-1', x: 0, y: 0 },
      { id: 'A-2', x: 1, y: 0 },
      { id: 'B-1', x: 0, y: 1 },
    ]);
  });

  test('has the zone in the ids where two zones have one row and number', () => {
    const { seats } = seatsOf('zone,row,seat,category\nStalls,A,1,Standard\nBalcony,A,1,Standard');
    expect(seats.map(({ id }) => id)).toEqual(['Stalls-A-1', 'Balcony-A-1']);
  });

  test('names the line of each fault', () => {
    expect(errorsOf('row,seat\nA,1')).toEqual(['line 1: the column category is missing']);
    expect(errorsOf('row,seat,category,price\nA,1,Stalls,9')).toEqual([
      'line 1: price is not a known column',
    ]);
    expect(errorsOf('row,seat,category\nA,1,Stalls\nA,2')).toEqual([
      'line 3: the row is not valid CSV',
    ]);
    expect(errorsOf('row,seat,category\nA,1,Stalls\n\nA,1,Stalls')).toEqual([
      'line 4, id: the seat A-1 exists already',
    ]);
    expect(errorsOf('row,seat,category,x\nA,1,Stalls,left')).toEqual([
      'line 2, x: must be a number',
    ]);
    expect(errorsOf('row,seat,category\n,1,Stalls')).toEqual([
      'line 2, row: must have at least 1 character',
    ]);
  });
});

test('the example for managers of theaters is a seat plan', () => {
  const page = readFileSync(
    join(import.meta.dirname, '../../../docs/import-a-seat-plan.md'),
    'utf8',
  );
  const [example = ''] = /^zone,row,.*?(?=```)/ms.exec(page) ?? [];
  const read = readSeatPlan(example);
  if ('errors' in read) throw new Error(JSON.stringify(read.errors));
  expect(read.seats.map(({ id }) => id)).toEqual([
    'A-1',
    'A-2',
    'A-3',
    'B-1',
    'B-2',
    'Balcony-A-1',
  ]);
  expect(read.seats[1]).toMatchObject({ kind: 'companion', companion_of: 'A-1' });
});
