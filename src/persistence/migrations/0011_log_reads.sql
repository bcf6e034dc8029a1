-- When its owner first read the log of a job that led to no release: from then on that text has left.
alter table jobs add column log_read_at timestamptz;
