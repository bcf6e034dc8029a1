-- Jobs: one row from submission to the end. States are those of contract/job.ts.
create table jobs (
  id text primary key,
  scenario text not null references scenarios (id),
  organisation text not null,
  submitted_by text not null,
  title text,
  image text not null,
  image_digest text not null,
  class text not null check (class in ('interactive', 'batch')),
  mode text not null check (mode in ('run', 'validate')),
  sql text,
  script text,
  parameters jsonb not null,
  product_type text not null,
  recipients text[] not null,
  request_egress boolean not null,
  state text not null check (
    state in ('submitted', 'queued', 'leased', 'running', 'succeeded', 'failed', 'cancelled')
  ),
  reason_code text,
  reason text,
  label text,
  verdict text not null,
  findings jsonb not null,
  facts jsonb,
  stages jsonb not null,
  confinement text,
  -- the chain of authority as it held at submission, with the pinned product versions
  authority jsonb not null,
  attempts integer not null default 0,
  lease text,
  runner text,
  lease_expires_at timestamptz,
  cancel_requested boolean not null default false,
  submitted_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz
);

create index jobs_queued on jobs (submitted_at) where state = 'queued';
create index jobs_active on jobs (organisation, lease_expires_at) where state in ('leased', 'running');
create index jobs_by_organisation on jobs (organisation, id);
create index jobs_by_scenario on jobs (scenario, id);
create unique index jobs_by_lease on jobs (lease) where lease is not null;

-- Every statement that a job ran, with the evidence by which it was judged.
create table job_statements (
  job text not null references jobs (id),
  statement integer not null,
  evidence jsonb not null,
  primary key (job, statement)
);

create table job_log (
  job text not null references jobs (id),
  seq integer not null,
  level text not null,
  text text not null,
  primary key (job, seq)
);

-- Outputs: the objects are named by the digest of their plain bytes.
create table job_outputs (
  job text not null references jobs (id),
  position integer not null,
  name text not null,
  descriptor jsonb not null,
  quarantine_object text not null,
  release_object text,
  primary key (job, position)
);
