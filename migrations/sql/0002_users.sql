-- Accounts and how they sign in. Written by mt_users alone.

-- Up Migration
CREATE TABLE users (
  id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  email         text CHECK (length(email) BETWEEN 3 AND 254),
  password_hash text,
  role          text NOT NULL DEFAULT 'customer' CHECK (role IN ('customer', 'staff', 'admin')),
  created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  deleted_at    timestamptz,
  -- A deleted account is a tombstone: its bookings keep their owner, the person is gone.
  CHECK ((deleted_at IS NULL) = (email IS NOT NULL)),
  CHECK ((deleted_at IS NULL) = (password_hash IS NOT NULL))
);
CREATE UNIQUE INDEX users_email_key ON users (lower(email));

-- A sign-in is a family of refresh tokens, each used once. Only hashes are kept.
CREATE TABLE refresh_tokens (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  family_id   uuid NOT NULL,
  user_id     bigint NOT NULL REFERENCES users (id),
  token_hash  bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  expires_at  timestamptz NOT NULL,
  used_at     timestamptz,
  revoked_at  timestamptz
);
CREATE INDEX refresh_tokens_user ON refresh_tokens (user_id);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

CREATE TABLE signing_keys (
  kid         text PRIMARY KEY,
  private_jwk jsonb NOT NULL,
  public_jwk  jsonb NOT NULL,
  created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  signs_from  timestamptz NOT NULL,
  CHECK (signs_from >= created_at - interval '1 second')
);

-- Failures are counted by account and address together, so that replicas agree and a stranger at
-- another address cannot lock a person out. `subject` is a hash: this table names nobody.
CREATE TABLE sign_in_failures (
  subject      bytea PRIMARY KEY CHECK (length(subject) = 32),
  failures     integer NOT NULL CHECK (failures >= 0),
  window_ends  timestamptz NOT NULL
);
CREATE INDEX sign_in_failures_window ON sign_in_failures (window_ends);

-- Down Migration
DROP TABLE sign_in_failures;
DROP TABLE signing_keys;
DROP TABLE refresh_tokens;
DROP TABLE users;
