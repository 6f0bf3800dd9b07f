export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** `value` rounded up to a multiple of `unit`. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}
