-- Users, their sessions and the keys that sign access tokens. Written by mt_users alone.

-- Up Migration
CREATE TABLE users (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email           text CHECK (length(email) BETWEEN 3 AND 254),
  -- The address as it is compared: without case, the domain in ASCII (users/email-address.ts).
  canonical_email text CONSTRAINT users_canonical_email_key UNIQUE,
  password_hash   text,
  role            text NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'staff', 'admin')),
  created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at      timestamptz,
  -- A deleted user keeps its id, to which bookings refer, and nothing personal.
  CHECK ((deleted_at IS NULL) = (email IS NOT NULL)),
  CHECK ((deleted_at IS NULL) = (canonical_email IS NOT NULL)),
  CHECK ((deleted_at IS NULL) = (password_hash IS NOT NULL))
);
CREATE INDEX users_admins ON users (id) WHERE role = 'admin' AND deleted_at IS NULL;
-- The bookings service releases the holds of deleted users.
CREATE INDEX users_deleted ON users (deleted_at) WHERE deleted_at IS NOT NULL;

-- A session is a family of refresh tokens, each used once. Only hashes are stored.
CREATE TABLE refresh_tokens (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  session_id  uuid NOT NULL,
  user_id     bigint NOT NULL REFERENCES users (id),
  token_hash  bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at  timestamptz NOT NULL,
  used_at     timestamptz,
  revoked_at  timestamptz
);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id) WHERE revoked_at IS NULL;
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id) WHERE revoked_at IS NULL;
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- One-time tokens that set a new password. A user has one at most: a new one replaces it.
CREATE TABLE password_resets (
  user_id     bigint PRIMARY KEY REFERENCES users (id),
  token_hash  bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at  timestamptz NOT NULL
);
CREATE INDEX password_resets_expiry ON password_resets (expires_at);

CREATE TABLE signing_keys (
  kid         text PRIMARY KEY,
  private_jwk jsonb NOT NULL,
  public_jwk  jsonb NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  signs_from  timestamptz NOT NULL,
  CHECK (signs_from >= created_at - interval '1 second')
);

-- Failed sign-ins of a user and a network together, and of a network alone. `subject` is a hash: the
-- table holds neither e-mail nor IP addresses.
CREATE TABLE sign_in_failures (
  subject      bytea PRIMARY KEY CHECK (length(subject) = 32),
  failures     integer NOT NULL CHECK (failures >= 0),
  window_ends  timestamptz NOT NULL
);
CREATE INDEX sign_in_failures_window ON sign_in_failures (window_ends);

-- Networks (hashed) that a user has signed in from. The limit of a whole network does not apply to them.
CREATE TABLE known_networks (
  user_id      bigint NOT NULL REFERENCES users (id),
  network_hash bytea NOT NULL CHECK (length(network_hash) = 32),
  last_used_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (user_id, network_hash)
);
CREATE INDEX known_networks_age ON known_networks (last_used_at);

-- Who changed whose rights, when and by which request. Ids only. Rows are never changed, and deleted
-- after one year. No foreign keys: a record must not depend on what it is about.
CREATE TABLE security_events (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  event       text NOT NULL CHECK (event IN ('admin_created', 'role_changed', 'user_deleted',
                'password_changed', 'password_reset_created', 'password_reset_used', 'refresh_token_reused')),
  -- Who did it: null for the service itself and for requests without a sign-in.
  actor_id    bigint,
  user_id     bigint NOT NULL,
  old_role    text,
  new_role    text,
  request_id  text,
  CHECK ((event = 'role_changed') = (old_role IS NOT NULL AND new_role IS NOT NULL))
);
CREATE INDEX security_events_age ON security_events (occurred_at);
CREATE INDEX security_events_user ON security_events (user_id, id);

CREATE FUNCTION security_events_retention() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.occurred_at > clock_timestamp() - interval '365 days' THEN
    RAISE EXCEPTION 'security events are kept for 365 days'
      USING ERRCODE = '23514', CONSTRAINT = 'security_events_retention';
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER security_events_retention BEFORE DELETE ON security_events
  FOR EACH ROW EXECUTE FUNCTION security_events_retention();

-- Down Migration
DROP TABLE security_events;
DROP FUNCTION security_events_retention();
DROP TABLE known_networks;
DROP TABLE sign_in_failures;
DROP TABLE signing_keys;
DROP TABLE password_resets;
DROP TABLE refresh_tokens;
DROP TABLE users;
