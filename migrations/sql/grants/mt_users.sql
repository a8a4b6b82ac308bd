-- Every right of the users service. At the end of each run, rights that are not listed here are revoked.
GRANT USAGE ON SCHEMA public TO mt_users;
-- Readiness compares the applied migrations with the ones that the service needs.
GRANT SELECT ON pgmigrations TO mt_users;

-- No DELETE: a deleted user keeps its id.
GRANT SELECT, INSERT, UPDATE ON users TO mt_users;
GRANT SELECT, INSERT, UPDATE, DELETE
  ON refresh_tokens, password_resets, signing_keys, sign_in_failures, known_networks TO mt_users;
-- The service writes events and cannot change them, nor choose their time; DELETE is for expired ones
-- (the trigger security_events_retention refuses others).
GRANT SELECT, DELETE, INSERT (event, actor_id, user_id, old_role, new_role, request_id)
  ON security_events TO mt_users;
