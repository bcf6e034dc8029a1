/**
 * The server ends the session of a process that died at once, and of a machine that is gone after 5 + 3 × 2 seconds instead of
 * the hours of its own defaults: until then it keeps the session's locks and its place.
 */
export const NOTICE_LOST_MACHINE = `
  set tcp_keepalives_idle to 5; set tcp_keepalives_interval to 2; set tcp_keepalives_count to 3;
  set tcp_user_timeout to 11000`;
