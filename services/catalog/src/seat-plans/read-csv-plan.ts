import { CsvError, parse } from 'csv-parse/sync';

import { categoriesOf, makeGrid, type DraftSeat, type SeatPlanDraft } from './seat-plan-draft.ts';

const columns = [
  'zone',
  'row',
  'seat',
  'category',
  'kind',
  'group',
  'companion_of',
  'x',
  'y',
] as const;

const fieldColumns: Readonly<Record<string, string>> = { number: 'seat' };

/** A file is not a table of seats. `place` is the line. */
export class CsvSyntaxError extends Error {
  override readonly name = 'CsvSyntaxError';
  readonly place: string;

  constructor(line: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.place = `line ${String(line)}`;
  }
}

type Entry = { record: Record<string, string>; info: { lines: number } };

const readTable = (file: string): Entry[] => {
  try {
    return parse(file, {
      bom: true,
      columns: (header: string[]) => {
        const missing = ['row', 'seat', 'category'].find((name) => !header.includes(name));
        const unknown = header.find((name) => !(columns as readonly string[]).includes(name));
        if (missing !== undefined) throw new CsvSyntaxError(1, `the column ${missing} is missing`);
        if (unknown !== undefined)
          throw new CsvSyntaxError(1, `${unknown.slice(0, 50)} is not a known column`);
        return header;
      },
      info: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as Entry[];
  } catch (error) {
    if (error instanceof CsvSyntaxError) throw error;
    if (!(error instanceof CsvError)) throw error;
    throw new CsvSyntaxError(Number(error['lines'] ?? 1), 'the row is not valid CSV', error);
  }
};

const coordinate = (text: string | undefined, otherwise: number): unknown => {
  if (text === undefined || text === '') return otherwise;
  const value = Number(text);
  return Number.isNaN(value) ? text : value;
};

/** Seats of different zones may have one row and number: then the zone is part of their id. */
const idsOf = (records: readonly Record<string, string>[]): string[] => {
  const short = records.map(({ row, seat }) => `${row ?? ''}-${seat ?? ''}`);
  const zones = new Map<string, string | undefined>();
  const isUnique = records.every(({ zone }, index) => {
    const id = short[index] ?? '';
    const other = zones.get(id);
    const isNew = !zones.has(id) || other === zone;
    zones.set(id, zone);
    return isNew;
  });
  if (isUnique) return short;
  return short.map((id, index) => {
    const zone = records[index]?.['zone'] ?? '';
    return zone === '' ? id : `${zone}-${id}`;
  });
};

/**
 * A table with the header `zone,row,seat,category,kind,group,companion_of,x,y`; zone and everything after
 * category may be left out.
 * @throws CsvSyntaxError
 */
export const readCsvPlan = (file: string): SeatPlanDraft => {
  const entries = readTable(file);
  const position = makeGrid();
  const ids = idsOf(entries.map(({ record }) => record));
  const seats = entries.map(({ record, info }, index): DraftSeat => {
    const { zone, row, seat, category, kind, group, companion_of } = record;
    const grid = position(`${zone ?? ''} ${row ?? ''}`);
    const optional = { zone, group, companion_of };
    return {
      fields: {
        id: ids[index],
        row,
        number: seat,
        category,
        kind: kind === undefined || kind === '' ? 'standard' : kind,
        ...Object.fromEntries(
          Object.entries(optional).filter(([, value]) => value !== undefined && value !== ''),
        ),
        x: coordinate(record['x'], grid.x),
        y: coordinate(record['y'], grid.y),
      },
      place: (field) => `line ${String(info.lines)}, ${fieldColumns[field] ?? field}`,
    };
  });
  return { name: undefined, categories: categoriesOf(seats), seats };
};
