/** Units of Kubernetes quantities. The API server also rewrites quantities: `1.1M` becomes `1100k`. */
const factors = new Map([
  ['', 1],
  ['m', 1e-3],
  ['k', 1e3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['P', 1e15],
  ['Ki', 2 ** 10],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
  ['Ti', 2 ** 40],
  ['Pi', 2 ** 50],
]);

/** The value of a quantity: cores or bytes; NaN for text that is not a quantity. */
export const quantityToNumber = (quantity: string): number => {
  const [, number = '', unit = ''] = /^([0-9.]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  return Number(number === '' ? Number.NaN : number) * (factors.get(unit) ?? Number.NaN);
};
