-- Every right of the bookings service. At the end of each run, rights that are not listed here are revoked.
GRANT USAGE ON SCHEMA public TO mt_bookings;
-- Readiness compares the applied migrations with the ones that the service needs.
GRANT SELECT ON pgmigrations TO mt_bookings;

GRANT SELECT ON movies, theaters, screenings, seat_plans, ticket_types, price_cards, price_lines, promo_codes TO mt_bookings;
GRANT UPDATE (available_seats, taken, seats_version) ON screenings TO mt_bookings;
-- Uses are counted with the bookings that make them.
GRANT UPDATE (uses) ON promo_codes TO mt_bookings;
-- Whether a user is active.
GRANT SELECT (id, deleted_at) ON users TO mt_bookings;

-- Bookings, tickets and payments are never rewritten or deleted.
GRANT SELECT, INSERT, UPDATE (status) ON bookings, tickets TO mt_bookings;
GRANT USAGE ON SEQUENCE bookings_id_seq TO mt_bookings;
GRANT SELECT, INSERT, UPDATE (status, paid_at, refunded_at, next_check_at, attempts) ON payments TO mt_bookings;
GRANT SELECT, INSERT, UPDATE (outcome), DELETE ON bookings_idempotency_keys TO mt_bookings;
GRANT SELECT, INSERT, UPDATE (refunded_at) ON simulated_charges TO mt_bookings;
