-- The audit log, idempotency keys and settings of the deployment.

create table audit_entries (
  seq bigint primary key check (seq >= 1),
  at timestamptz not null,
  actor jsonb not null,
  action text not null,
  subject_kind text not null,
  subject_id text not null,
  outcome text not null check (outcome in ('success', 'denied', 'failure')),
  request_id text,
  detail jsonb not null,
  previous text not null,
  hash text not null unique
);

create index audit_entries_by_subject on audit_entries (subject_kind, subject_id, seq);
create index audit_entries_by_action on audit_entries (action, seq);
create index audit_entries_by_actor on audit_entries ((actor ->> 'id'), seq);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'the audit log is append-only' using errcode = 'restrict_violation';
end
$$;

create trigger audit_entries_keep_rows before update or delete on audit_entries
  for each row execute function refuse_audit_change();
create trigger audit_entries_keep_all before truncate on audit_entries
  for each statement execute function refuse_audit_change();

create table audit_head (
  id boolean primary key default true check (id),
  seq bigint not null check (seq >= 0),
  hash text not null,
  at timestamptz not null
);

-- sha256 of the text sluice-audit/1: what the first entry follows.
insert into audit_head (seq, hash, at) values (0, 'sha256:758b52df19f37d0f0cb5762edad8abf4d95cbc9f0a210d85e4739c86328caec5', '1970-01-01T00:00:00Z');

-- The head only moves forward, to an entry that is there, and is never removed.
create function keep_audit_head() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and new.seq > old.seq
    and exists (select from audit_entries e where e.seq = new.seq and e.hash = new.hash) then
    return new;
  end if;
  raise exception 'the head of the audit log only moves forward' using errcode = 'restrict_violation';
end
$$;

create trigger audit_head_forward before update or delete on audit_head
  for each row execute function keep_audit_head();
create trigger audit_head_keep before truncate on audit_head
  for each statement execute function refuse_audit_change();

create table idempotency_keys (
  organisation text not null,
  subject text not null,
  key text not null,
  request_digest text not null,
  status integer,
  location text,
  body text,
  created_at timestamptz not null,
  primary key (organisation, subject, key)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);

create table deployment_settings (
  name text primary key,
  value jsonb not null,
  updated_at timestamptz not null
);
