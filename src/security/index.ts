/**
 * Security: the log for security staff (what happened in and around the sandboxes), the alarms that rules raise over
 * it, and suspensions. Whoever changes a state writes its events in the same transaction; alarms and automatic
 * suspensions follow in it too.
 *
 * It must never hold a value of the data (a statement that a script wrote after it was given rows is withheld), never
 * change or remove an event before its time, and never lift by itself what a person set.
 */
export type { EventDraft } from "./event-draft.ts";
export { jobEnds, jobStart, jobStory } from "./job-story.ts";
export { noteEvents } from "./note-events.ts";
export { setSuspension } from "./suspend.ts";
export { endSuspensions, liftSuspension } from "./lift.ts";
export { acknowledgeAlarm } from "./acknowledge.ts";
export { purgeEvents } from "./purge.ts";
export { type EventFilter, type EventTail, exportEvents, openTail, searchEvents } from "./search.ts";
export { listAlarms, listSuspensions } from "./read.ts";
