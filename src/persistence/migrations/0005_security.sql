-- The log for security staff, the alarms over it, and suspensions.

create sequence security_event_numbers;

-- Append-only. Numbers are drawn while the writer holds the head of the audit chain (see src/security), so they come
-- in the order of the commits: whoever has read up to a number has missed nothing before it.
create table security_events (
  seq bigint primary key,
  at timestamptz not null,
  kind text not null,
  severity smallint not null check (severity between 0 and 3),
  job text,
  organisation text,
  scenario text,
  runner text,
  confinement text,
  text text not null,
  details jsonb not null
);

create index security_events_by_time on security_events (at, seq);
create index security_events_by_job on security_events (job, at, seq) where job is not null;
create index security_events_by_organisation on security_events (organisation, at, seq)
  where organisation is not null;
create index security_events_by_scenario on security_events (scenario, at, seq) where scenario is not null;
-- the rare ones: most events are ends of jobs and statements that ran
create index security_events_notable on security_events (kind, at, seq)
  where kind <> 'statement.ran' and kind <> 'job.started' and kind <> 'job.ended';
create index security_events_severe on security_events (at, seq) where severity >= 2;

-- Nothing younger than six months goes, whatever a program asks for (网络安全法: network logs of six months at least).
create function keep_security_event() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and old.at < now() - interval '184 days' then
    return old;
  end if;
  raise exception 'the security log is append-only' using errcode = 'restrict_violation';
end
$$;

create function refuse_security_truncate() returns trigger language plpgsql as $$
begin
  raise exception 'the security log is append-only' using errcode = 'restrict_violation';
end
$$;

create trigger security_events_keep_rows before update or delete on security_events
  for each row execute function keep_security_event();
create trigger security_events_keep_all before truncate on security_events
  for each statement execute function refuse_security_truncate();

create table security_alarms (
  id text primary key,
  rule text not null,
  -- whose events it counts: a scenario, an organisation, a caller
  source text not null,
  organisation text,
  scenario text,
  state text not null check (state in ('open', 'acknowledged')),
  text text not null,
  count integer not null,
  raised_at timestamptz not null,
  last_at timestamptz not null,
  suspension text,
  acknowledged_at timestamptz,
  acknowledged_by text,
  comment text
);

-- one stream of events makes one alarm
create unique index security_alarms_one_open on security_alarms (rule, source) where state = 'open';
create index security_alarms_closed on security_alarms (rule, source, acknowledged_at) where state = 'acknowledged';

create table suspensions (
  id text primary key,
  scope_kind text not null check (scope_kind in ('scenario', 'organisation')),
  scope text not null,
  reason text not null,
  authority text not null check (authority in ('system', 'security', 'implementing_body')),
  set_by text not null,
  set_at timestamptz not null,
  until timestamptz,
  alarm text,
  lifted_at timestamptz,
  -- null when it ended by itself
  lifted_by text,
  lift_reason text
);

-- one of each authority at a time; what the implementing body sets stands beside what the security staff set
create unique index suspensions_in_force on suspensions (scope_kind, scope, authority) where lifted_at is null;
