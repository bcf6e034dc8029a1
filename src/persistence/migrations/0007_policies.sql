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
