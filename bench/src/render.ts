import type { BenchReport, Table } from './report.ts';

/** A table for the terminal: columns aligned, numbers to the right. */
export const toText = ({ title, header, rows }: Table): string => {
  const widths = header.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || column === header.length - 1
          ? cell.padEnd(width)
          : cell.padStart(width);
      })
      .join('  ')
      .trimEnd();
  return [title, line(header), ...rows.map(line)].join('\n');
};

const toMarkdownTable = ({ title, header, rows }: Table): string => {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const aligned = header.map((_name, column) =>
    column === 0 || column === header.length - 1 ? '---' : '--:',
  );
  return [`### ${title}`, '', line(header), line(aligned), ...rows.map(line)].join('\n');
};

export const describeRun = (report: BenchReport): string =>
  [
    `${report.takenAt}, commit ${report.commit}`,
    report.machine,
    `Node ${report.node}, ${report.database}`,
    `${String(report.rounds.length)} rounds, ${String(report.secondsPerCell)} s per cell; load average before the first ${report.loadAverage.toFixed(2)}`,
  ].join('\n');

export const toMarkdown = (report: BenchReport, tables: readonly Table[]): string =>
  [
    '# Latest benchmark',
    '',
    'Written by `npm run bench`. Method, goals and limits: [docs/benchmarks.md](../../docs/benchmarks.md).',
    '',
    ...describeRun(report)
      .split('\n')
      .map((line) => `- ${line}`),
    '',
    tables.map(toMarkdownTable).join('\n\n'),
    '',
    '![Bookings per second](bookings.svg)',
    '',
    '![99th percentile of a booking’s latency](latency.svg)',
    '',
    '![Reads per second](reads.svg)',
    '',
  ].join('\n');
