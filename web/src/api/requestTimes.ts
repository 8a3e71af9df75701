const lastMs = new Map<string, number>();

/** The duration of the last request of each operation; live polling slows down with it. */
export const requestTimes = {
  record: (operation: string, milliseconds: number) => lastMs.set(operation, milliseconds),
  /** 0 before the first response. */
  last: (operation: string) => lastMs.get(operation) ?? 0,
};
