/** The variables that our texts may contain. Any other `$` is rejected: nginx cannot escape it. */
const ownVariables = /\$(answer_id)\b/g;

/**
 * A text as one nginx parameter.
 * @throws Error for a text that nginx would read as a variable, or cannot read
 */
export const quote = (text: string): string => {
  if (text.replaceAll(ownVariables, '').includes('$')) {
    throw new Error(`nginx would read a variable in: ${text}`);
  }
  if (/[\r\n\0]/.test(text)) throw new Error(`line break in: ${text}`);
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
};

export const directive = (name: string, value: string): string => `${name} ${value};`;

export const block = (head: string, lines: readonly string[]): string[] => [
  `${head} {`,
  ...lines.map((line) => `  ${line}`),
  '}',
];

/** Headers of a response with any status. */
export const headers = (of: Readonly<Record<string, string>>): string[] =>
  Object.entries(of).map(([name, value]) => `add_header ${name} ${quote(value)} always;`);
