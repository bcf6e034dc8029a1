-- Runner nodes (machines that take jobs over the network, each with a key of its own) and the replicas of the control
-- plane that are at work.

create table runner_nodes (
  name text primary key,
  state text not null check (state in ('invited', 'enrolled', 'revoked')),
  -- sha256 of the one-time token. It stays after its use, so that an answer that got lost can be given again.
  enrolment_digest text,
  enrolment_expires_at timestamptz,
  -- The public half only, as a JWK.
  public_key jsonb,
  key_thumbprint text unique,
  invited_by text not null,
  invited_at timestamptz not null,
  enrolled_at timestamptz,
  revoked_at timestamptz,
  revoked_by text,
  revoke_reason text,
  check (state <> 'enrolled' or (public_key is not null and key_thumbprint is not null))
);

create index jobs_by_runner on jobs (runner) where state in ('leased', 'running');

-- What all replicas must agree on while they are at work.
create table replicas (
  id text primary key,
  policy_bundle text not null,
  started_at timestamptz not null,
  seen_at timestamptz not null
);
