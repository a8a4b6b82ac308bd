import { categoriesOf, makeGrid, type DraftSeat, type SeatPlanDraft } from './seat-plan-draft.ts';

type Fields = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const listIn = (fields: Fields, name: string): unknown[] => {
  const value = fields[name];
  return Array.isArray(value) ? value : [];
};

const asText = (value: unknown): unknown => (typeof value === 'number' ? String(value) : value);

/** Our own format: the seats of GET /seat-plans/:id, where id, kind, x and y may be left out. */
export const readJsonPlan = (file: Fields): SeatPlanDraft => {
  const position = makeGrid();
  const seats = listIn(file, 'seats').map((seat, index): DraftSeat => {
    const place = (field: string): string => `seats.${String(index)}${field && `.${field}`}`;
    if (!isObject(seat)) return { fields: {}, place };
    const row = asText(seat['row']);
    const number = asText(seat['number']);
    const grid = position(`${String(seat['zone'])} ${String(row)}`);
    return {
      fields: {
        id: `${String(row)}-${String(number)}`,
        kind: 'standard',
        ...grid,
        ...seat,
        row,
        number,
      },
      place,
    };
  });
  const categories = listIn(file, 'categories').map((fields, index) => ({
    fields: isObject(fields) ? fields : {},
    place: `categories.${String(index)}`,
  }));
  const name = file['name'];
  return {
    name: typeof name === 'string' ? name : undefined,
    categories: file['categories'] === undefined ? categoriesOf(seats) : categories,
    seats,
  };
};
