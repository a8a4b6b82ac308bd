/** What runs in containers of the PostgreSQL image. bash, because it reads from and writes to one session. */

/**
 * Dumps the database at PGHOST and so on into /scratch: `dump`, its table of contents, and what the session
 * that exported the dump's snapshot counted in it. The session has to stay open until pg_dump has ended.
 */
export const dumpScript = `set -euo pipefail
cd /scratch
rm -f dump contents facts.json
export PGAPPNAME=movie-ticketing-backup
coproc SESSION { psql -XAtq -v ON_ERROR_STOP=1; }
echo "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot();" >&"\${SESSION[1]}"
IFS= read -r -t 60 snapshot <&"\${SESSION[0]}"
pg_dump --format=custom --no-owner --no-privileges --snapshot="$snapshot" --file=dump
cat >&"\${SESSION[1]}" <<'SQL'
SELECT json_build_object(
  'taken_at', now(),
  'postgres', current_setting('server_version'),
  'rows', (
    SELECT json_object_agg(tablename, (xpath('/row/c/text()', query_to_xml(
      format('SELECT count(*) AS c FROM public.%I', tablename), false, true, '')))[1]::text::bigint)
    FROM pg_tables WHERE schemaname = 'public'));
SQL
IFS= read -r facts <&"\${SESSION[0]}"
echo 'COMMIT;' >&"\${SESSION[1]}"
printf '%s' "$facts" >facts.json
pg_restore --list dump >contents
`;

/** A throwaway server without passwords, which only containers of the same pod can reach. */
export const serverScript = `set -euo pipefail
initdb --pgdata=/scratch/server --username=postgres --auth=trust --encoding=UTF8 --locale=C \\
  --locale-provider=builtin --builtin-locale=C.UTF-8 --no-sync >/dev/null
exec postgres -D /scratch/server -c listen_addresses=127.0.0.1 -c unix_socket_directories=/scratch \\
  -c fsync=off -c full_page_writes=off -c max_wal_size=4GB
`;

export const restoreIntoServerScript = `set -euo pipefail
createdb restored
pg_restore --exit-on-error --no-owner --no-privileges --dbname=restored /scratch/dump
`;

/**
 * Fills an empty database, wholly or not at all. The mark tells a repeated run that the first one has
 * finished.
 */
export const restoreScript = `set -euo pipefail
cd /scratch
id=$(sed -n 's/.*"id":"\\([0-9TZ]*\\)".*/\\1/p' manifest.json)
mark="restored from $id"
if [ "$(psql -XAtc "SELECT obj_description('public'::regnamespace)")" != "$mark" ]; then
  if [ "$(psql -XAtc "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")" != 0 ]; then
    echo 'The database is not empty. Restore into a new resource, or remove spec.restoreFrom.' >/dev/termination-log
    exit 1
  fi
  pg_restore --no-owner --no-privileges --file=dump.sql dump
  psql -X -q --single-transaction -v ON_ERROR_STOP=1 --file=dump.sql \\
    --command='REVOKE ALL ON SCHEMA public FROM PUBLIC' --command="COMMENT ON SCHEMA public IS '$mark'"
fi
cat manifest.json >/dev/termination-log
`;
