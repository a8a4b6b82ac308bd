/** Kubernetes' quantities, as far as our schema takes them: `500m`, `2`, `1.5Gi`, `10G`. */
const factors = new Map([
  ['', 1],
  ['m', 1e-3],
  ['M', 1e6],
  ['G', 1e9],
  ['T', 1e12],
  ['Mi', 2 ** 20],
  ['Gi', 2 ** 30],
  ['Ti', 2 ** 40],
]);

/** The number that a quantity stands for: cores or bytes; NaN for what is no quantity of ours. */
export const quantityToNumber = (quantity: string): number => {
  const [, number = '', unit = ''] = /^([0-9.]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  return Number(number === '' ? Number.NaN : number) * (factors.get(unit) ?? Number.NaN);
};
