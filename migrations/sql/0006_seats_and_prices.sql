-- Seat plans, seat maps, ticket types, price cards, promo codes and tickets (docs/adr/0034).

-- Up Migration
-- A version of a theater's seats, never changed. A seat is its position in `seats`, from 0.
CREATE TABLE seat_plans (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  theater_id bigint NOT NULL REFERENCES theaters (id) ON DELETE CASCADE,
  name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
  categories json NOT NULL CHECK (json_typeof(categories) = 'array'),
  seats      json NOT NULL CHECK (json_array_length(seats) BETWEEN 1 AND 5000),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX seat_plans_theater ON seat_plans (theater_id, id);

ALTER TABLE theaters
  -- The plan of new screenings; NULL is general admission.
  ADD COLUMN seat_plan_id bigint REFERENCES seat_plans (id),
  ADD COLUMN prevent_orphan_seats boolean NOT NULL DEFAULT true;

CREATE TABLE ticket_types (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL CONSTRAINT ticket_types_name_key UNIQUE CHECK (length(name) BETWEEN 1 AND 100),
  staff_only boolean NOT NULL,
  active     boolean NOT NULL
);

-- Prices of a screening by ticket type and category of seats. Amounts are in minor units.
CREATE TABLE price_cards (
  id                bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name              text NOT NULL CHECK (length(name) BETWEEN 1 AND 300),
  currency          text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  booking_fee_minor bigint NOT NULL CHECK (booking_fee_minor BETWEEN 0 AND 100000000),
  tax_rate_bp       integer NOT NULL CHECK (tax_rate_bp BETWEEN 0 AND 10000),
  -- The screenings that get this card when they are created: {"weekdays": [1], "from": "10:00", "until": "17:00"}.
  applies_to        jsonb
);
CREATE TABLE price_lines (
  price_card_id  bigint NOT NULL REFERENCES price_cards (id) ON DELETE CASCADE,
  -- Their order on the card: the first line of a type for everyone is the default type.
  line           integer NOT NULL CHECK (line >= 0),
  ticket_type_id bigint NOT NULL REFERENCES ticket_types (id),
  -- NULL: every category without a line of its own.
  category       text CHECK (length(category) BETWEEN 1 AND 100),
  amount_minor   bigint NOT NULL CHECK (amount_minor BETWEEN 0 AND 100000000),
  PRIMARY KEY (price_card_id, line)
);
CREATE UNIQUE INDEX price_lines_once ON price_lines (price_card_id, ticket_type_id, coalesce(category, ''));
CREATE INDEX price_lines_type ON price_lines (ticket_type_id);

ALTER TABLE screenings
  ADD COLUMN seat_plan_id  bigint REFERENCES seat_plans (id),
  -- NULL: `price_minor` for everyone.
  ADD COLUMN price_card_id bigint REFERENCES price_cards (id),
  -- A bit for each seat of the plan. Held and sold seats are taken.
  ADD COLUMN taken         bit varying,
  ADD COLUMN blocked       bit varying,
  ADD COLUMN seats_version bigint NOT NULL DEFAULT 0,
  ADD CONSTRAINT screenings_seat_map CHECK (
    CASE WHEN seat_plan_id IS NULL THEN taken IS NULL AND blocked IS NULL
    ELSE taken IS NOT NULL AND blocked IS NOT NULL
      AND length(taken) = total_seats AND length(blocked) = total_seats
      AND bit_count(taken & blocked) = 0
      AND available_seats = total_seats - bit_count(taken) - bit_count(blocked)
    END);
-- What decides about seats and prices of a screening besides its own row, for the statement that locks it: whether single
-- seats are prevented, and the price card with its lines. A function, which is planned once: as subqueries they make
-- PostgreSQL plan that statement anew each time.
CREATE FUNCTION selling_rules(of_theater bigint, of_card bigint) RETURNS json LANGUAGE plpgsql STABLE COST 1 AS $$
BEGIN
  RETURN json_build_object(
    'prevent_orphans', (SELECT prevent_orphan_seats FROM theaters WHERE id = of_theater),
    'price_card', (
      SELECT json_build_object('currency', currency, 'fee', booking_fee_minor, 'tax_rate_bp', tax_rate_bp,
        'lines', (SELECT json_agg(json_build_object('type', l.ticket_type_id, 'category', l.category,
            'amount', l.amount_minor, 'staff_only', t.staff_only, 'active', t.active) ORDER BY l.line)
          FROM price_lines l JOIN ticket_types t ON t.id = l.ticket_type_id WHERE l.price_card_id = of_card))
      FROM price_cards WHERE id = of_card));
END $$;

CREATE INDEX screenings_price_card ON screenings (price_card_id) WHERE price_card_id IS NOT NULL;
CREATE INDEX screenings_seat_plan ON screenings (seat_plan_id) WHERE seat_plan_id IS NOT NULL;

CREATE TABLE promo_codes (
  id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  code         text NOT NULL CONSTRAINT promo_codes_code_key UNIQUE CHECK (code = upper(code) AND length(code) BETWEEN 1 AND 50),
  percent      integer CHECK (percent BETWEEN 1 AND 100),
  amount_minor bigint CHECK (amount_minor BETWEEN 1 AND 100000000),
  currency     text CHECK (currency ~ '^[A-Z]{3}$'),
  -- NULL: without a limit.
  max_uses     integer CHECK (max_uses >= 1),
  uses         integer NOT NULL DEFAULT 0,
  valid_from   timestamptz,
  valid_until  timestamptz,
  screening_id bigint REFERENCES screenings (id) ON DELETE CASCADE,
  movie_id     bigint REFERENCES movies (id) ON DELETE CASCADE,
  CHECK (num_nonnulls(percent, amount_minor) = 1),
  CHECK ((amount_minor IS NULL) = (currency IS NULL)),
  CONSTRAINT promo_codes_uses CHECK (uses >= 0 AND (max_uses IS NULL OR uses <= max_uses)),
  CHECK (valid_until > valid_from)
);
CREATE INDEX promo_codes_screening ON promo_codes (screening_id) WHERE screening_id IS NOT NULL;
CREATE INDEX promo_codes_movie ON promo_codes (movie_id) WHERE movie_id IS NOT NULL;

ALTER TABLE bookings
  ADD COLUMN promo_code_id bigint REFERENCES promo_codes (id);
CREATE INDEX bookings_promo_code ON bookings (promo_code_id) WHERE promo_code_id IS NOT NULL;

-- A booking of general admission at the flat price has no rows here: its tickets are alike.
-- No foreign keys, which every booking would pay for: rows are written with their booking, which is never deleted.
CREATE TABLE tickets (
  -- 1,000 times the id of the booking plus the number of the ticket: the primary key finds the tickets of a booking.
  id             bigint PRIMARY KEY,
  screening_id   bigint NOT NULL,
  -- The position in the seat plan of the screening, and the seat's id there; NULL for general admission.
  seat           integer CHECK (seat >= 0),
  seat_id        text,
  ticket_type_id bigint,
  -- Amounts are fixed when the hold is made. Tax is included: a ticket costs price - discount + fee.
  price_minor    bigint NOT NULL CHECK (price_minor >= 0),
  discount_minor bigint NOT NULL CHECK (discount_minor BETWEEN 0 AND price_minor),
  fee_minor      bigint NOT NULL CHECK (fee_minor >= 0),
  tax_minor      bigint NOT NULL CHECK (tax_minor BETWEEN 0 AND price_minor - discount_minor + fee_minor),
  -- void: its booking expired or was cancelled.
  status         text NOT NULL DEFAULT 'live' CHECK (status IN ('live', 'void')),
  CHECK ((seat IS NULL) = (seat_id IS NULL))
);
-- No seat of a screening is on two live tickets.
CREATE UNIQUE INDEX tickets_live_seat ON tickets (screening_id, seat) WHERE status = 'live' AND seat IS NOT NULL;

CREATE FUNCTION tickets_legal_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.status <> 'live' AND NEW.status <> OLD.status THEN
    RAISE EXCEPTION 'a ticket cannot change from % to %', OLD.status, NEW.status
      USING ERRCODE = '23514', CONSTRAINT = 'tickets_legal_move';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER tickets_legal_move BEFORE UPDATE OF status ON tickets
  FOR EACH ROW EXECUTE FUNCTION tickets_legal_move();

-- Down Migration
DROP TABLE tickets;
DROP FUNCTION tickets_legal_move();
ALTER TABLE bookings DROP COLUMN promo_code_id;
DROP TABLE promo_codes;
DROP FUNCTION selling_rules;
ALTER TABLE screenings DROP CONSTRAINT screenings_seat_map, DROP COLUMN seats_version, DROP COLUMN blocked,
  DROP COLUMN taken, DROP COLUMN price_card_id, DROP COLUMN seat_plan_id;
DROP TABLE price_lines;
DROP TABLE price_cards;
DROP TABLE ticket_types;
ALTER TABLE theaters DROP COLUMN prevent_orphan_seats, DROP COLUMN seat_plan_id;
DROP TABLE seat_plans;
