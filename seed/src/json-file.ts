import { SeedFileError } from './seed-file-error.ts';

const lineFeed = 10;

/** The number of the first line that is not UTF-8. */
const lineOfInvalidText = (bytes: Uint8Array): number => {
  let line = 1;
  for (let start = 0; start <= bytes.length; line += 1) {
    const end = bytes.indexOf(lineFeed, start);
    const stop = end === -1 ? bytes.length : end;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start, stop));
    } catch {
      return line;
    }
    start = stop + 1;
  }
  return line;
};

const decode = (file: string, bytes: Uint8Array): string => {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new SeedFileError(
      `${file}: starts with a byte order mark. Save the file as UTF-8 without one.`,
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const line = String(lineOfInvalidText(bytes));
    throw new SeedFileError(`${file}: line ${line} is not valid UTF-8.`);
  }
};

const lineAt = (text: string, position: number): number =>
  text.slice(0, position).split('\n').length;

/**
 * The line of a syntax error. V8 names the line, or quotes the text around the error, or reports the end of
 * the input.
 */
const lineOfSyntaxError = (text: string, message: string): number => {
  const named = /\(line (\d+) column \d+\)/.exec(message)?.[1];
  if (named !== undefined) return Number(named);
  const quoted = /^Unexpected token .+?, (\.\.\.)?"(.+?)"(?:\.\.\.)? is not valid JSON$/s.exec(
    message,
  );
  const excerpt = quoted?.[2];
  if (excerpt === undefined) return lineAt(text, text.length);
  // V8 quotes ten characters before the error, or everything before it.
  const before = quoted?.[1] === undefined ? 0 : 10;
  return lineAt(text, text.indexOf(excerpt) + before);
};

/**
 * Parses a file as JSON text: UTF-8 without a byte order mark (RFC 8259).
 * @throws SeedFileError
 */
export const parseJson = (file: string, bytes: Uint8Array): unknown => {
  const text = decode(file, bytes);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const message = (error as Error).message;
    throw new SeedFileError(
      `${file}: line ${String(lineOfSyntaxError(text, message))} is not valid JSON: ${message.replaceAll(/\s+/g, ' ')}`,
    );
  }
};
