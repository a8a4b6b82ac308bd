/** Variables that texts of ours may name: every other `$` is refused, for nginx cannot escape one. */
const ownVariables = /\$(answer_id)\b/g;

/**
 * A text as one nginx parameter.
 * @throws Error for what nginx would take for a variable, or cannot read
 */
export const quote = (text: string): string => {
  if (text.replaceAll(ownVariables, '').includes('$')) {
    throw new Error(`nginx would read a variable in: ${text}`);
  }
  if (/[\r\n\0]/.test(text)) throw new Error(`a line must not break in: ${text}`);
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
};

export const directive = (name: string, value: string): string => `${name} ${value};`;

export const block = (head: string, lines: readonly string[]): string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  '}',
];

/** Headers of an answer, whatever its status. */
export const headers = (of: Readonly<Record<string, string>>): string[] =>
  Object.entries(of).map(([name, value]) => `add_header ${name} ${quote(value)} always;`);
