-- All that the bookings service may. What is not here is taken from the role at the end of every run.
GRANT USAGE ON SCHEMA public TO mt_bookings;
-- Readiness compares what was applied with what the service was built for.
GRANT SELECT ON pgmigrations TO mt_bookings;

GRANT SELECT ON movies, theaters, screenings TO mt_bookings;
GRANT UPDATE (available_seats) ON screenings TO mt_bookings;
-- Whether an account still stands.
GRANT SELECT (id, deleted_at) ON users TO mt_bookings;

-- What was booked and paid is never rewritten or forgotten.
GRANT SELECT, INSERT, UPDATE (status) ON bookings TO mt_bookings;
GRANT USAGE ON SEQUENCE bookings_id_seq TO mt_bookings;
GRANT SELECT, INSERT, UPDATE (status, paid_at, refunded_at, next_check_at, attempts) ON payments TO mt_bookings;
GRANT SELECT, INSERT, UPDATE (status, body), DELETE ON bookings_idempotency_keys TO mt_bookings;
GRANT SELECT, INSERT, UPDATE (refunded_at) ON simulated_charges TO mt_bookings;
