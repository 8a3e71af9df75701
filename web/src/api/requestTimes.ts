const lastMs = new Map<string, number>();

/** How long the last answer to each operation took; live polling slows down with it. */
export const requestTimes = {
  record: (operation: string, milliseconds: number) => lastMs.set(operation, milliseconds),
  /** 0 before the first answer. */
  last: (operation: string) => lastMs.get(operation) ?? 0,
};
