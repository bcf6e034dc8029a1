/**
 * How the supervisor hands a confined process the system-call filter that it puts on itself: an array of
 * `struct sock_filter` (linux/filter.h) on a descriptor of its own.
 */

/** Descriptor on which the filter comes. */
export const LOCK_FILTER_FD = 5;

/** Bytes of one instruction: code, two jump distances, a constant. */
export const INSTRUCTION_BYTES = 8;

/** Stands in a filter for the number of the process, which only it knows and puts in. Nobody's process number. */
export const OWN_PID = 0xfffe_fffe;
