/** A message on one line, without a stack, of limited length. */
export const shortened = (message: string, length = 600): string => {
  const line = message
    .replaceAll(/\n\s+at .*/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length <= length ? line : `${line.slice(0, length)}…`;
};

/** ISO 8601 to the second, as Kubernetes writes times. */
export const timestamp = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
