-- The chain of authority (organisations, head agreements, scenarios, agreements, opinions, filings) and the
-- catalogue of data products with their immutable versions.

create table organisations (
  id text primary key,
  kind text not null check (kind in ('implementing_body', 'operator', 'data_provider', 'developer')),
  title text,
  state text not null default 'active' check (state in ('active', 'suspended')),
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table head_agreements (
  number text primary key,
  operator text not null references organisations (id),
  valid_from date not null,
  valid_to date not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check (valid_from <= valid_to)
);

create table products (
  id text primary key,
  title text,
  description text,
  provider text references organisations (id),
  -- The published version that new jobs mount; null when there is none or the last one was withdrawn.
  current_version text,
  -- The newest version, whatever became of it.
  latest_version text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);

create table product_versions (
  id text primary key,
  product text not null references products (id),
  state text not null check (state in ('ingesting', 'published', 'failed', 'withdrawn')),
  -- As declared, with an absolute source path and without the password of a database address.
  spec jsonb not null,
  spec_digest text not null,
  -- Digest of the source file when it was declared; null for a database table.
  source_digest text,
  -- A database address with its password: read by the claim only, erased when the ingest ends.
  source_secret text,
  -- Relative to the data directory.
  directory text not null,
  manifest jsonb,
  digest text,
  progress_rows bigint,
  error jsonb,
  created_by text not null,
  created_at timestamptz not null,
  ended_at timestamptz,
  lease text unique,
  runner text,
  lease_expires_at timestamptz,
  attempts integer not null default 0,
  check (state <> 'published' or (manifest is not null and digest is not null))
);
create index product_versions_queue on product_versions (created_at, id) where state = 'ingesting';
create index product_versions_product on product_versions (product, id);
alter table products add foreign key (current_version) references product_versions (id);
alter table products add foreign key (latest_version) references product_versions (id);

create table scenarios (
  id text primary key,
  developer text not null references organisations (id),
  head_agreement text not null references head_agreements (number),
  title text,
  purpose text not null,
  visibility text not null check (visibility in ('aggregates', 'rows')),
  joins jsonb not null,
  state text not null check (state in (
    'proposed', 'under_review', 'approved', 'rejected', 'agreement_signed', 'filed', 'building', 'pre_review',
    'opinion_filed', 'live', 'suspended', 'expired', 'terminated', 'cleaned', 'closed')),
  -- Where a suspended scenario was, and goes back to.
  suspended_from text check (suspended_from in ('building', 'pre_review', 'opinion_filed', 'live')),
  expert_opinion jsonb,
  -- Terms that were put forward with the proposal, used when signing and issuing give none.
  proposed_agreement jsonb,
  proposed_opinion jsonb,
  -- The agreement and the opinion that are in force or under way.
  agreement text,
  opinion text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  check ((state = 'suspended') = (suspended_from is not null))
);
create index scenarios_developer on scenarios (developer, id);

create table scenario_products (
  scenario text not null references scenarios (id),
  product text not null references products (id),
  position integer not null,
  primary key (scenario, product)
);
create index scenario_products_product on scenario_products (product);

create table agreements (
  id text primary key,
  scenario text not null references scenarios (id),
  number text not null,
  valid_from date not null,
  valid_to date not null,
  state text not null check (state in ('signed', 'superseded', 'terminated')),
  signed_at timestamptz not null,
  ended_at timestamptz,
  check (valid_from <= valid_to)
);
create index agreements_scenario on agreements (scenario, id);

create table opinions (
  id text primary key,
  scenario text not null references scenarios (id),
  number text not null,
  profile text not null,
  outputs text[] not null,
  recipients text[] not null,
  auto_release boolean not null,
  state text not null check (state in
    ('drafted', 'issued', 'filed', 'accepted', 'effective', 'superseded', 'withdrawn')),
  issued_at timestamptz not null,
  effective_at timestamptz,
  ended_at timestamptz
);
create index opinions_scenario on opinions (scenario, id);
alter table scenarios add foreign key (agreement) references agreements (id);
alter table scenarios add foreign key (opinion) references opinions (id);

create table filings (
  id text primary key,
  kind text not null check (kind in ('agreement', 'opinion')),
  scenario text not null references scenarios (id),
  -- The agreement or the opinion that is filed, and the digest of what it said then.
  subject text not null,
  number text not null,
  content_digest text not null,
  state text not null check (state in ('prepared', 'submitted', 'accepted', 'returned', 'archived')),
  prepared_at timestamptz not null,
  submitted_at timestamptz,
  decided_at timestamptz,
  decided_by text,
  comment text,
  check (state not in ('accepted', 'returned') or decided_at is not null)
);
create index filings_subject on filings (subject);
create index filings_state on filings (state, id);
-- A subject has one filing under way at most, and one accepted.
create unique index filings_open on filings (subject) where state in ('prepared', 'submitted');
create unique index filings_accepted on filings (subject) where state = 'accepted';
