-- Movies, theaters and screenings, written by mt_catalog. Bookings take and release `available_seats`.

-- Up Migration
CREATE TABLE movies (
  id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  title            text NOT NULL CHECK (length(title) BETWEEN 1 AND 300),
  title_folded     text NOT NULL, -- what search compares, made from the title by kit/src/text-folding.ts
  description      text NOT NULL CHECK (length(description) <= 5000),
  duration_minutes integer NOT NULL CHECK (duration_minutes BETWEEN 1 AND 1440),
  price_minor      bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 100000000),
  currency         text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  start_date       date NOT NULL,
  end_date         date NOT NULL,
  CONSTRAINT movies_dates CHECK (end_date >= start_date)
);
CREATE INDEX movies_run ON movies (start_date, end_date);

CREATE TABLE theaters (
  id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name        text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
  location    text NOT NULL CHECK (length(location) BETWEEN 1 AND 300),
  time_zone   text NOT NULL CHECK (length(time_zone) BETWEEN 1 AND 64),
  total_seats integer NOT NULL CHECK (total_seats BETWEEN 1 AND 100000)
);

CREATE TABLE screenings (
  id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  movie_id        bigint NOT NULL REFERENCES movies (id),
  theater_id      bigint NOT NULL REFERENCES theaters (id),
  starts_at       timestamptz NOT NULL,
  ends_at         timestamptz NOT NULL,
  price_minor     bigint NOT NULL CHECK (price_minor BETWEEN 0 AND 100000000),
  currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  total_seats     integer NOT NULL CHECK (total_seats BETWEEN 1 AND 100000),
  available_seats integer NOT NULL,
  status          text NOT NULL DEFAULT 'scheduled' CHECK (status IN ('scheduled', 'cancelled')),
  CHECK (ends_at > starts_at),
  CONSTRAINT screenings_seats CHECK (available_seats BETWEEN 0 AND total_seats),
  -- A theater shows one movie at a time.
  CONSTRAINT screenings_theater_taken EXCLUDE USING gist (
    int8range(theater_id, theater_id, '[]') WITH &&,
    tstzrange(starts_at, ends_at) WITH &&
  ) WHERE (status = 'scheduled')
) WITH (fillfactor = 50); -- leaves room for new versions of a hot row on the same page
CREATE INDEX screenings_movie ON screenings (movie_id, starts_at, id);
CREATE INDEX screenings_theater ON screenings (theater_id, starts_at, id);
CREATE INDEX screenings_start ON screenings (starts_at, id);
CREATE INDEX screenings_cancelled ON screenings (id) WHERE status = 'cancelled';

CREATE FUNCTION screenings_legal_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status = 'cancelled' AND NEW.status <> 'cancelled' THEN
    RAISE EXCEPTION 'a cancelled screening stays cancelled' USING ERRCODE = '23514', CONSTRAINT = 'screenings_legal_move';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER screenings_legal_move BEFORE UPDATE OF status ON screenings
  FOR EACH ROW EXECUTE FUNCTION screenings_legal_move();

-- Responses stored under Idempotency-Key, by user, method and path.
CREATE TABLE catalog_idempotency_keys (
  user_id      bigint NOT NULL,
  scope        text NOT NULL,
  key          text NOT NULL,
  request_hash bytea NOT NULL,
  status       integer NOT NULL,
  headers      jsonb NOT NULL DEFAULT '{}',
  body         text NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (user_id, scope, key)
);
CREATE INDEX catalog_idempotency_keys_age ON catalog_idempotency_keys (created_at);

-- Down Migration
DROP TABLE catalog_idempotency_keys;
DROP TABLE screenings;
DROP FUNCTION screenings_legal_move();
DROP TABLE theaters;
DROP TABLE movies;
