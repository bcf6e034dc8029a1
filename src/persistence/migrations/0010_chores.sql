-- Chores: what the control plane does without a caller, claimed by one process at a time.
create table chores (
  name text primary key,
  due_at timestamptz not null,
  lease text unique,
  lease_expires_at timestamptz,
  -- in a row; 0 after a success
  failures integer not null default 0,
  last_error text,
  started_at timestamptz,
  succeeded_at timestamptz
);
create index chores_due on chores (due_at);

-- Neighbouring systems that are told of changes. What they are told is read from the audit log, whose entries are
-- written with the changes; `position` is the number up to which everything was delivered or given up.
create table webhooks (
  id text primary key,
  url text not null,
  events text[] not null,
  state text not null check (state in ('active', 'paused', 'removed')),
  secret_version integer not null default 1,
  position bigint not null,
  created_by text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- Events whose first delivery failed. Those that were delivered at once leave no row.
create table webhook_deliveries (
  webhook text not null references webhooks (id),
  entry bigint not null references audit_entries (seq),
  event text not null,
  state text not null check (state in ('waiting', 'delivered', 'dead')),
  attempts integer not null,
  -- status of the last answer, or a code of what failed
  last_error text,
  next_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (webhook, entry)
);
create index webhook_deliveries_by_state on webhook_deliveries (webhook, state, entry);

-- Bytes as computed are kept for a time after their job has ended: from `discarded_at` on nothing may read them, and
-- a day later, when nothing else needs the object, they are removed.
alter table job_outputs add column discarded_at timestamptz;
alter table releases add column expired_at timestamptz;
create index job_outputs_by_quarantine on job_outputs (quarantine_object);
create index job_outputs_by_release on job_outputs (release_object) where release_object is not null;
create index release_outputs_by_object on release_outputs (object);
create index releases_in_force on releases (released_at) where state = 'released';
create index jobs_by_end on jobs (finished_at) where finished_at is not null;
