#!/bin/sh
# Runs $LIVE_MAIN from a copy of $LIVE_FROM in $LIVE_TO and starts it anew whenever one of the copy's
# files changes. The copy is where skaffold dev puts edits: the containers' root file system stays
# read-only and their user unprivileged, /tmp alone can be written.
# Not node --watch: Skaffold's tar replaces a file, and the second time node does not notice (tried).
set -eu
from=${LIVE_FROM:-/app}
to=${LIVE_TO:-/tmp/app}
stamp=$to/.started

mkdir -p "$to/node_modules"
cp -r "$from/package.json" "$from/migrations" "$from/services" "$to/"
for package in "$from"/node_modules/*; do
  case ${package##*/} in
    # Links into the workspace, relative: they must lead into the copy.
    @movie-ticketing) cp -rP "$package" "$to/node_modules/" ;;
    *) ln -sfn "$package" "$to/node_modules/${package##*/}" ;;
  esac
done
cd "$to"

runs() { kill -0 "$pid" 2>/dev/null; }
has_changed() { [ -n "$(find services migrations -type f -newer "$stamp" -print -quit)" ]; }

stop() { # SECONDS of grace
  kill -TERM "$pid" 2>/dev/null || return 0
  tenths=$(($1 * 10))
  while runs && [ "$tenths" -gt 0 ]; do
    sleep 0.1
    tenths=$((tenths - 1))
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}

trap 'stop 20; exit 0' TERM INT
while :; do
  touch "$stamp"
  node "$LIVE_MAIN" &
  pid=$!
  # One that ended by itself (a typing error) is waited for too: the next edit may mend it.
  until has_changed; do sleep 0.2; done
  echo "live: an edit came in, $LIVE_MAIN starts anew" >&2
  stop 1
done
