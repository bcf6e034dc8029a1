-- Egress requests (出域申请), their reviews and releases.
create table egress_requests (
  id text primary key,
  job text not null references jobs (id),
  scenario text not null references scenarios (id),
  organisation text not null,
  applicant text not null,
  state text not null,
  verdict text not null,
  product_type text not null,
  purpose text not null,
  recipients text[] not null,
  findings jsonb not null,
  facts jsonb not null,
  profile text not null,
  opinion_number text,
  policy_bundle text not null,
  policy_reasons jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create index egress_requests_by_state on egress_requests (state, id);
create index egress_requests_by_organisation on egress_requests (organisation, id);
-- one request that is still open, or was answered with a release, per job
create unique index egress_requests_one_open on egress_requests (job)
  where state in ('submitted', 'auto_checked', 'under_review', 'approved', 'released');

create table egress_reviews (
  id text primary key,
  request text not null references egress_requests (id),
  reviewer text not null,
  organisation text not null,
  decision text not null check (decision in ('approve', 'reject', 'return')),
  comment text not null,
  reason_codes text[] not null,
  created_at timestamptz not null,
  unique (request, organisation, reviewer)
);

create table releases (
  id text primary key,
  request text not null unique references egress_requests (id),
  job text not null references jobs (id),
  scenario text not null references scenarios (id),
  organisation text not null,
  state text not null check (state in ('released', 'revoked', 'expired')),
  verdict text not null,
  product_type text not null,
  recipients text[] not null,
  digest text not null,
  audit_entry bigint not null,
  released_at timestamptz not null,
  revoked_at timestamptz,
  revoked_by text
);

create index releases_by_organisation on releases (organisation, id);
create index releases_by_scenario on releases (scenario, id);

create table release_outputs (
  release text not null references releases (id),
  position integer not null,
  name text not null,
  descriptor jsonb not null,
  object text not null,
  notes jsonb not null,
  primary key (release, position)
);
