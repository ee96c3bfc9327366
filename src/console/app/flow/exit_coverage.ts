/** By which exits calls left the slots when scenarios were played, as the server counted. */
export interface SlotCoverage {
  app: string;
  /** The slot's label. */
  slot: string;
  /** How many calls came to it. */
  entered: number;
  taken: readonly string[];
  not_taken: readonly string[];
}

/** The slots of one flow, by their labels. */
export type FlowCoverage = ReadonlyMap<string, SlotCoverage>;

export function coverageOf(app: string, slots: readonly SlotCoverage[]): FlowCoverage {
  return new Map(slots.filter((one) => one.app === app).map((one) => [one.slot, one]));
}

/** Whether an exit was taken; null: nobody counted it, as the slot does not have it. */
export function wasTaken(slot: SlotCoverage | null | undefined, exit: string): boolean | null {
  if (slot?.taken.includes(exit)) return true;
  return slot?.not_taken.includes(exit) ? false : null;
}

export function countExits(coverage: FlowCoverage): { taken: number; notTaken: number } {
  const counts = { taken: 0, notTaken: 0 };
  for (const slot of coverage.values()) {
    counts.taken += slot.taken.length;
    counts.notTaken += slot.not_taken.length;
  }
  return counts;
}
