#include "store/migrations_sqlite.h"

namespace latchkey::store {
namespace {

// Ids, digests and MACs are blobs; instants are milliseconds; *_key columns are what is compared
// and sorted by, always in the engine's byte order. The lists of tokens are read in the order of an
// index, so each sort has one, and the columns that filters look at stand at its end.
constexpr std::string_view kFirst = R"sql(
CREATE TABLE log_head (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  revision INTEGER NOT NULL,
  hash BLOB NOT NULL,
  signature BLOB NOT NULL
) STRICT;

CREATE TABLE events (
  revision INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  organization_id BLOB,
  actor_id BLOB,
  action TEXT NOT NULL,
  subjects TEXT NOT NULL,
  data TEXT NOT NULL,
  context_digest BLOB NOT NULL,
  previous_hash BLOB NOT NULL,
  hash BLOB NOT NULL
) STRICT;

CREATE TABLE event_contexts (
  revision INTEGER PRIMARY KEY REFERENCES events (revision),
  salt BLOB NOT NULL,
  address TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  mechanism TEXT NOT NULL,
  correlation_id TEXT NOT NULL,
  names TEXT NOT NULL
) STRICT;

CREATE TABLE organizations (
  organization_id BLOB PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  state INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  deleted_at INTEGER,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX organizations_name_key ON organizations (name_key) WHERE state = 1;

CREATE TABLE people (
  person_id BLOB PRIMARY KEY,
  email TEXT NOT NULL,
  email_key TEXT NOT NULL,
  display_name TEXT NOT NULL,
  state INTEGER NOT NULL,
  is_operator INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_sign_in_at INTEGER,
  password_hash TEXT NOT NULL,
  password_changed_at INTEGER,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX people_email_key ON people (email_key);

CREATE TABLE memberships (
  organization_id BLOB NOT NULL REFERENCES organizations (organization_id),
  person_id BLOB NOT NULL REFERENCES people (person_id),
  role INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  mac BLOB NOT NULL,
  PRIMARY KEY (organization_id, person_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX memberships_person ON memberships (person_id);

CREATE TABLE sessions (
  session_id BLOB PRIMARY KEY,
  person_id BLOB NOT NULL REFERENCES people (person_id),
  digest BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  address TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_digest ON sessions (digest);
CREATE INDEX sessions_person ON sessions (person_id, last_seen_at);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE links (
  link_id BLOB PRIMARY KEY,
  kind INTEGER NOT NULL,
  digest BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  person_id BLOB REFERENCES people (person_id),
  organization_id BLOB REFERENCES organizations (organization_id),
  role INTEGER,
  email TEXT NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX links_digest ON links (digest);
CREATE INDEX links_organization ON links (organization_id, created_at);
CREATE INDEX links_person ON links (person_id);

CREATE TABLE tokens (
  token_id BLOB PRIMARY KEY,
  organization_id BLOB NOT NULL REFERENCES organizations (organization_id),
  owner_id BLOB NOT NULL REFERENCES people (person_id),
  display_name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  scope TEXT NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER NOT NULL,
  state INTEGER NOT NULL,
  revoked_at INTEGER,
  key_id TEXT NOT NULL,
  digest BLOB NOT NULL,
  generation INTEGER NOT NULL,
  mac BLOB NOT NULL,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tokens_digest ON tokens (digest);
CREATE INDEX tokens_by_name
  ON tokens (owner_id, organization_id, name_key, token_id, state, valid_to);
CREATE INDEX tokens_by_start
  ON tokens (owner_id, organization_id, valid_from, token_id, state, valid_to);
CREATE INDEX tokens_by_expiry
  ON tokens (owner_id, organization_id, valid_to, token_id, state);
CREATE INDEX tokens_organization ON tokens (organization_id);

CREATE TABLE token_uses (
  token_id BLOB PRIMARY KEY REFERENCES tokens (token_id),
  owner_id BLOB NOT NULL,
  organization_id BLOB NOT NULL,
  used_at INTEGER NOT NULL,
  address TEXT NOT NULL,
  user_agent TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_uses_by_use ON token_uses (owner_id, organization_id, used_at, token_id);

CREATE TABLE projects (
  project_id BLOB PRIMARY KEY,
  organization_id BLOB NOT NULL REFERENCES organizations (organization_id),
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  abbreviation TEXT NOT NULL,
  description TEXT NOT NULL,
  visibility INTEGER NOT NULL,
  state INTEGER NOT NULL,
  process_template_id TEXT NOT NULL,
  source_control INTEGER NOT NULL,
  default_team_id BLOB NOT NULL,
  revision INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_update_at INTEGER NOT NULL,
  deleted_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX projects_name_key ON projects (organization_id, name_key) WHERE state <> 5;
CREATE INDEX projects_by_name ON projects (organization_id, name_key, project_id);

CREATE TABLE project_properties (
  project_id BLOB NOT NULL REFERENCES projects (project_id),
  name TEXT NOT NULL,
  value_json TEXT NOT NULL,
  PRIMARY KEY (project_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE operations (
  operation_id BLOB PRIMARY KEY,
  organization_id BLOB NOT NULL REFERENCES organizations (organization_id),
  person_id BLOB NOT NULL,
  status TEXT NOT NULL,
  result_message TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX operations_created ON operations (created_at);

CREATE TABLE cursors (
  reader TEXT PRIMARY KEY,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mails (
  mail_id BLOB PRIMARY KEY,
  person_id BLOB NOT NULL,
  revision INTEGER NOT NULL,
  recipient TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  sent_at INTEGER,
  attempts INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  last_error TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX mails_event ON mails (revision, person_id);
CREATE INDEX mails_due ON mails (next_attempt_at) WHERE sent_at IS NULL;
CREATE INDEX mails_person ON mails (person_id, created_at);
)sql";

// What a client's idempotency key did, remembered for a day (docs/spec/idempotency.md).
constexpr std::string_view kIdempotencyKeys = R"sql(
CREATE TABLE idempotency_keys (
  key_digest BLOB PRIMARY KEY,
  request_digest BLOB NOT NULL,
  person_id BLOB NOT NULL,
  token_id BLOB NOT NULL,
  generation INTEGER NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_person ON idempotency_keys (person_id, created_at);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);
)sql";

// Opening the store gives the head its first epoch and signs it anew.
constexpr std::string_view kEpoch = R"sql(
ALTER TABLE log_head
  ADD COLUMN epoch BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
)sql";

// Which permanent number each scope has that an operator declared (docs/spec/scopes.md, S22).
constexpr std::string_view kDeclaredScopes = R"sql(
CREATE TABLE declared_scopes (
  number INTEGER PRIMARY KEY,
  identifier TEXT NOT NULL UNIQUE,
  declaration TEXT NOT NULL,
  is_withdrawn INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql";

// Gates and resource servers (docs/spec/machine-clients.md); `organizations` is 16 bytes for each.
constexpr std::string_view kClients = R"sql(
CREATE TABLE clients (
  client_id BLOB PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  permissions INTEGER NOT NULL,
  organizations BLOB NOT NULL,
  digest BLOB NOT NULL,
  created_at INTEGER NOT NULL,
  mac BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX clients_name_key ON clients (name_key);
CREATE UNIQUE INDEX clients_digest ON clients (digest);
)sql";

// How tokens were used (docs/spec/usage.md): no state, so without foreign keys and MACs.
constexpr std::string_view kUsage = R"sql(
CREATE TABLE token_days (
  token_id BLOB NOT NULL,
  day INTEGER NOT NULL,
  allowed INTEGER NOT NULL,
  refused INTEGER NOT NULL,
  PRIMARY KEY (token_id, day)
) STRICT, WITHOUT ROWID;
CREATE INDEX token_days_day ON token_days (day);

CREATE TABLE usage_batches (
  client_id BLOB NOT NULL,
  batch_id BLOB NOT NULL,
  noted_at INTEGER NOT NULL,
  PRIMARY KEY (client_id, batch_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_batches_noted ON usage_batches (noted_at);
)sql";

// A load of the index asks for all regenerations, which are few among the events.
constexpr std::string_view kRegenerations = R"sql(
CREATE INDEX events_regenerated ON events (revision) WHERE action = 'Token.PatRegenerateEvent';
)sql";

constexpr std::string_view kMigrations[] = {
    kFirst, kIdempotencyKeys, kEpoch, kDeclaredScopes, kClients, kUsage, kRegenerations};

}  // namespace

std::span<const std::string_view> sqlite_migrations() { return kMigrations; }

}  // namespace latchkey::store
