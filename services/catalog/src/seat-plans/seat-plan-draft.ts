import type { FieldError } from '@movie-ticketing/kit/problems';
import {
  maximumSeats,
  seat as seatSchema,
  seatCategory,
  type Seat,
  type SeatCategory,
} from '@movie-ticketing/kit/seat-plan';
import { plainMessage } from '@movie-ticketing/kit/validation-messages';

/** A seat as a file has it, before it is checked, with the place of each of its fields in the file. */
export type DraftSeat = {
  fields: Readonly<Record<string, unknown>>;
  place: (field: string) => string;
};

export type SeatPlanDraft = {
  name: string | undefined;
  categories: { fields: Readonly<Record<string, unknown>>; place: string }[];
  seats: DraftSeat[];
};

export type SeatPlanResult =
  | { name: string | undefined; categories: SeatCategory[]; seats: Seat[] }
  | { errors: FieldError[] };

const maximumErrors = 50;

/** Collects what is wrong with a file: the first faults are enough to mend it. */
const makeErrors = () => {
  const errors: FieldError[] = [];
  return {
    errors,
    add: (path: string, message: string): void => {
      if (errors.length < maximumErrors) errors.push({ path, message });
    },
  };
};

type Errors = ReturnType<typeof makeErrors>;

const parseCategories = ({ categories }: SeatPlanDraft, { add }: Errors): SeatCategory[] => {
  const found = new Map<string, SeatCategory>();
  for (const { fields, place } of categories) {
    const parsed = seatCategory.safeParse(fields, { error: plainMessage });
    if (!parsed.success) {
      for (const { path, message } of parsed.error.issues)
        add([place, ...path.map(String)].join('.'), message);
    } else if (found.has(parsed.data.name)) {
      add(place, `the category ${parsed.data.name} exists already`);
    } else found.set(parsed.data.name, parsed.data);
  }
  return [...found.values()];
};

const parseSeats = ({ seats }: SeatPlanDraft, { add }: Errors): (Seat | undefined)[] =>
  seats.map(({ fields, place }) => {
    const parsed = seatSchema.safeParse(fields, { error: plainMessage });
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
      add(
        place(unknown ?? issue.path.map(String).join('.')),
        unknown === undefined ? issue.message : 'is not a known field',
      );
    }
    return undefined;
  });

/** Calls `check` with each seat that is valid by itself, and with the places of its fields. */
const forEachSeat = (
  draft: SeatPlanDraft,
  seats: readonly (Seat | undefined)[],
  check: (seat: Seat, place: DraftSeat['place']) => void,
): void => {
  seats.forEach((it, index) => {
    const place = draft.seats[index]?.place;
    if (it !== undefined && place !== undefined) check(it, place);
  });
};

/** Ids are unique, and categories exist. */
const checkNames = (
  draft: SeatPlanDraft,
  seats: readonly (Seat | undefined)[],
  categories: readonly SeatCategory[],
  { add }: Errors,
): void => {
  const names = new Set(categories.map(({ name }) => name));
  const ids = new Set<string>();
  forEachSeat(draft, seats, (it, place) => {
    if (ids.has(it.id)) add(place('id'), `the seat ${it.id} exists already`);
    ids.add(it.id);
    if (!names.has(it.category)) add(place('category'), `there is no category ${it.category}`);
  });
};

/** The seats of a group can be sat in together. */
const checkGroups = (
  draft: SeatPlanDraft,
  seats: readonly (Seat | undefined)[],
  { add }: Errors,
): void => {
  const groups = Map.groupBy(seats, (it) => it?.group);
  forEachSeat(draft, seats, (it, place) => {
    if (it.group === undefined) return;
    const group = groups.get(it.group) ?? [];
    const isTogether = group.every(
      (other) =>
        other?.row === it.row &&
        other.zone === it.zone &&
        other.category === it.category &&
        other.kind === 'standard',
    );
    if (group.length < 2 || group.length > 10) {
      add(place('group'), `the group ${it.group} must have 2 to 10 seats`);
    } else if (!isTogether) {
      add(
        place('group'),
        `the seats of the group ${it.group} must be standard seats of one row and category`,
      );
    }
  });
};

/** Companion seats, and no others, belong to wheelchair spaces. */
const checkCompanions = (
  draft: SeatPlanDraft,
  seats: readonly (Seat | undefined)[],
  { add }: Errors,
): void => {
  const spaces = new Set(seats.flatMap((it) => (it?.kind === 'wheelchair' ? [it.id] : [])));
  forEachSeat(draft, seats, ({ kind, companion_of: space }, place) => {
    if (kind === 'companion' && space === undefined) {
      add(place('companion_of'), 'must name the wheelchair space of this companion seat');
    }
    if (space === undefined) return;
    if (!spaces.has(space)) add(place('companion_of'), `${space} is not a wheelchair space`);
    if (kind !== 'companion') add(place('companion_of'), 'is for seats of the kind companion');
  });
};

/** A checked seat plan, or every fault with its place in the file. */
export const checkSeatPlan = (draft: SeatPlanDraft): SeatPlanResult => {
  const errors = makeErrors();
  if (draft.seats.length === 0) errors.add('', 'must have at least one seat');
  if (draft.seats.length > maximumSeats) {
    return {
      errors: [{ path: '', message: `must have at most ${String(maximumSeats)} seats` }],
    };
  }
  const categories = parseCategories(draft, errors);
  const seats = parseSeats(draft, errors);
  checkNames(draft, seats, categories, errors);
  checkGroups(draft, seats, errors);
  checkCompanions(draft, seats, errors);
  if (errors.errors.length > 0) return { errors: errors.errors };
  return {
    name: draft.name,
    categories,
    seats: seats.filter((it) => it !== undefined),
  };
};

/** Colors for categories of a file that has none, in turn. */
const palette = ['#3366cc', '#dc3912', '#109618', '#ff9900', '#990099', '#0099c6'];

export const colorAt = (index: number): string => palette[index % palette.length] ?? '#3366cc';

/** The categories that seats name, in the order in which they appear. */
export const categoriesOf = (seats: readonly DraftSeat[]): SeatPlanDraft['categories'] => {
  const names = new Set(
    seats.map(({ fields }) => fields['category']).filter((name) => typeof name === 'string'),
  );
  return [...names].map((name, index) => ({
    fields: { name: name.trim(), color: colorAt(index) },
    place: `category ${name}`,
  }));
};

/**
 * Coordinates for files that have none: the seats of a row stand side by side in their order, the rows one
 * behind the other.
 */
export const makeGrid = () => {
  const rows = new Map<string, { y: number; seats: number }>();
  return (row: string): { x: number; y: number } => {
    const found = rows.get(row) ?? { y: rows.size, seats: 0 };
    rows.set(row, found);
    found.seats += 1;
    return { x: found.seats - 1, y: found.y };
  };
};
