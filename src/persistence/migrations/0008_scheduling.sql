-- Weights, quotas, runners, and what organisations and scenarios have used.

-- Shares between organisations that want more than there is.
alter table organisations add column weight integer not null default 1 check (weight between 1 and 100);

-- Terms of the agreement on how much may be run (contract/scenario.ts, Quota); null: no limit of its own.
alter table agreements add column quota jsonb;

-- Runners by the name that they go by, whether they may take work, and what they last said of themselves.
create table runners (
  name text primary key,
  state text not null default 'active' check (state in ('active', 'paused', 'draining')),
  places integer not null,
  memory_bytes bigint,
  confinement text,
  -- scenarios that have an engine there
  warm text[] not null default '{}',
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  changed_by text,
  changed_at timestamptz
);

-- Processor time of an organisation's ended jobs, halved with every half-life since `at`: the scheduler's memory.
create table organisation_use (
  organisation text primary key,
  cpu_ms double precision not null,
  at timestamptz not null
);

-- What a scenario used on a day: quotas are counted from it.
create table scenario_use (
  scenario text not null references scenarios (id),
  day date not null,
  jobs bigint not null default 0,
  cpu_ms bigint not null default 0,
  releases bigint not null default 0,
  primary key (scenario, day)
);

-- The first waiting jobs of each organisation and class, without looking at the others.
drop index jobs_queued;
create index jobs_waiting on jobs (organisation, class, submitted_at, id) where state = 'queued';
create index jobs_unfinished on jobs (scenario, state) where state in ('submitted', 'queued', 'leased', 'running');

-- Every view of an ended job asks for its request.
create index egress_requests_by_job on egress_requests (job, id);
