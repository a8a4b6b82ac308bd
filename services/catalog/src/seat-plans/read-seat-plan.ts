import { CsvSyntaxError, readCsvPlan } from './read-csv-plan.ts';
import { readJsonPlan } from './read-json-plan.ts';
import { isPretixPlan, readPretixPlan, type CategoryKinds } from './read-pretix-plan.ts';
import { checkSeatPlan, type SeatPlanDraft, type SeatPlanResult } from './seat-plan-draft.ts';

/** A seat plan as it was uploaded: a JSON object, or the text of a CSV file. */
export type SeatPlanFile = Readonly<Record<string, unknown>> | string;

const draftOf = (file: SeatPlanFile, kinds: CategoryKinds): SeatPlanDraft => {
  if (typeof file === 'string') return readCsvPlan(file);
  return isPretixPlan(file) ? readPretixPlan(file, kinds) : readJsonPlan(file);
};

/** The plan that a file has, or every fault with its place in the file. */
export const readSeatPlan = (file: SeatPlanFile, kinds: CategoryKinds = {}): SeatPlanResult => {
  try {
    return checkSeatPlan(draftOf(file, kinds));
  } catch (error) {
    if (!(error instanceof CsvSyntaxError)) throw error;
    return { errors: [{ path: error.place, message: error.message }] };
  }
};
