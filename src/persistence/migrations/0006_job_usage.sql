-- What a job used (contract/runner.ts, JobUsage), seen by its supervisor; for metering.
alter table jobs add column usage jsonb;
