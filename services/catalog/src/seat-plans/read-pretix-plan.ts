import { isObject, listIn } from './read-json-plan.ts';
import { colorAt, type DraftSeat, type SeatPlanDraft } from './seat-plan-draft.ts';

type Fields = Readonly<Record<string, unknown>>;

/** pretix has no kinds of seats: these categories stand for them. */
export type CategoryKinds = { wheelchair?: string | undefined; companion?: string | undefined };

export const isPretixPlan = (file: Fields): boolean => Array.isArray(file['zones']);

const number = (value: unknown): number => (typeof value === 'number' ? value : 0);

const positionIn = (fields: Fields): { x: number; y: number } => {
  const position = isObject(fields['position']) ? fields['position'] : {};
  return { x: number(position['x']), y: number(position['y']) };
};

const kindOf = (category: unknown, kinds: CategoryKinds): string => {
  if (category === kinds.wheelchair && category !== undefined) return 'wheelchair';
  if (category === kinds.companion && category !== undefined) return 'companion';
  return 'standard';
};

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== ''
    ? value
    : typeof value === 'number'
      ? String(value)
      : undefined;

/** A companion seat belongs to the nearest wheelchair space, which pretix does not say. */
const withCompanions = (seats: readonly DraftSeat[]): DraftSeat[] => {
  const spaces = seats.filter(({ fields }) => fields['kind'] === 'wheelchair');
  return seats.map((seat) => {
    if (seat.fields['kind'] !== 'companion') return seat;
    const distance = (space: DraftSeat): number =>
      Math.hypot(
        number(space.fields['x']) - number(seat.fields['x']),
        number(space.fields['y']) - number(seat.fields['y']),
      );
    const [nearest] = spaces.toSorted((a, b) => distance(a) - distance(b));
    return { ...seat, fields: { ...seat.fields, companion_of: nearest?.fields['id'] } };
  });
};

/**
 * A seating plan in pretix's JSON format. Its areas, which are drawings and texts, are ignored. Positions
 * of seats are relative to their row, and those of rows to their zone.
 */
export const readPretixPlan = (file: Fields, kinds: CategoryKinds): SeatPlanDraft => {
  const seats: DraftSeat[] = [];
  const zones = listIn(file, 'zones');
  for (const [z, zone] of zones.entries()) {
    if (!isObject(zone)) continue;
    const zoneAt = positionIn(zone);
    for (const [r, row] of listIn(zone, 'rows').entries()) {
      if (!isObject(row)) continue;
      const rowAt = positionIn(row);
      for (const [s, seat] of listIn(row, 'seats').entries()) {
        const path = `zones.${String(z)}.rows.${String(r)}.seats.${String(s)}`;
        const place = (field: string): string => `${path}.${pretixNames[field] ?? field}`;
        if (!isObject(seat)) {
          seats.push({ fields: {}, place: () => path });
          continue;
        }
        const at = positionIn(seat);
        const zoneName = zones.length > 1 ? text(zone['name']) : undefined;
        seats.push({
          fields: {
            id: seat['seat_guid'],
            ...(zoneName === undefined ? {} : { zone: zoneName }),
            row: text(row['row_label']) ?? text(row['row_number']),
            number: text(seat['seat_label']) ?? text(seat['seat_number']),
            category: seat['category'],
            kind: kindOf(seat['category'], kinds),
            x: zoneAt.x + rowAt.x + at.x,
            y: zoneAt.y + rowAt.y + at.y,
          },
          place,
        });
      }
    }
  }
  const categories = listIn(file, 'categories').map((category, index) => ({
    fields: isObject(category)
      ? { name: category['name'], color: hexColor(category['color']) ?? colorAt(index) }
      : {},
    place: `categories.${String(index)}`,
  }));
  return { name: text(file['name']), categories, seats: withCompanions(seats) };
};

const pretixNames: Readonly<Record<string, string>> = { id: 'seat_guid', number: 'seat_number' };

/** pretix allows any color of CSS. */
const hexColor = (color: unknown): string | undefined =>
  typeof color === 'string' && /^#[0-9a-f]{6}$/i.test(color) ? color : undefined;
