/**
 * Complementary suppression over tables that sum the same rows: which further cells are hidden so that what is shown
 * leaves every cell that a rule has hidden open by its protection level on either side, and the audit of it.
 *
 * Pure: it knows ordinals, how atoms add up, and how far each may move. Must never see a released value, and never
 * let what a hidden value is decide which further cell goes, only whether a cell can carry the level.
 */
export { linkTables, type LinkedTables, type TableShape } from "./tables.ts";
export { protect, type Protection, type Quantity } from "./protect.ts";
export { feasibleInterval, type Interval } from "./interval.ts";
export { PRIMARY, SECONDARY, SHOWN } from "./pattern.ts";
