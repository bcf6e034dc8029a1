-- The policies that servers decided by, whole, so that a decision can be explained with the text that made it.
create table policy_bundles (
  digest text primary key,
  files jsonb not null,
  first_used_at timestamptz not null,
  adopted_at timestamptz not null,
  adopted_by text not null
);

-- What the policies were told of the chain of authority; absent for decisions before this.
alter table egress_requests add column authority jsonb;
-- The policies' decision that an approval led to: bundle, verdict, reasons, authority.
alter table egress_reviews add column decided jsonb;

-- Whether the owner may read what the job says (its log, the text of its error, what its outputs are): only when the
-- policies would let its results leave by themselves.
alter table jobs add column text_visible boolean not null default false;
update jobs set text_visible = true where label = 'safe' and verdict in ('release', 'release_transformed');

-- Whether a data provider agrees that its data are linked with those of others under a scenario. `covers` names the
-- products and joins that it was asked about: when they change, it is asked again.
create table join_consents (
  scenario text not null references scenarios (id),
  provider text not null references organisations (id),
  state text not null check (state in ('given', 'withdrawn')),
  covers text not null,
  comment text not null,
  decided_by text not null,
  decided_at timestamptz not null,
  primary key (scenario, provider)
);
