#!/bin/sh
# The gateway's entry point: writes the configuration that is known only at start under /tmp, then runs nginx.
#   PORT (8080), MANAGEMENT_PORT (9090)
#   CATALOG_ADDRESS (catalog:8080), and likewise for each service in the file "services"
#   TLS_DIR      a folder with tls.crt and tls.key: PORT serves HTTPS; a renewed certificate is loaded
#   TRUST_PROXY  (0) proxies in front of the gateway that append the client's address to X-Forwarded-For
#   RATE_LIMIT   requests a second from one client (IPv4 address or IPv6 /64); unset: no limit
#   LOG_LEVEL    (info) with warn and above requests are not logged
#   BANNER       printed at start
# This script resolves names, not nginx: nginx does not start if an upstream's name does not resolve, never
# resolves a name again, and ignores search domains. A watcher resolves the names every two seconds and
# reloads nginx when an address has changed.
set -eu
here=$(dirname "$0")
run=/tmp/gateway

number() { # NAME VALUE MAXIMUM
  case $2 in
    '' | *[!0-9]* | ??????*) ;;
    *) [ "$2" -ge 1 ] && [ "$2" -le "$3" ] && return ;;
  esac
  echo "$1 must be a whole number from 1 to $3" >&2
  exit 2
}

listen() { # PORT [ssl]
  echo "listen $1${2:+ $2};"
  # nginx would not start on a kernel without IPv6.
  if [ -s /proc/net/if_inet6 ]; then echo "listen [::]:$1${2:+ $2};"; fi
}

# Copies the pair, because a renewal may happen between reading one file and the other: nginx then keeps the
# pair that it has. Succeeds if there is a new pair.
take_certificate() {
  cat "$TLS_DIR/tls.crt" >"$run/tls.crt.new" 2>/dev/null || return 1
  cat "$TLS_DIR/tls.key" >"$run/tls.key.new" 2>/dev/null || return 1
  if cmp -s "$run/tls.crt.new" "$run/tls.crt" && cmp -s "$run/tls.key.new" "$run/tls.key"; then return 1; fi
  mv "$run/tls.crt.new" "$run/tls.crt"
  mv "$run/tls.key.new" "$run/tls.key"
}

address_of() { # SERVICE
  variable=$(echo "$1" | tr '[:lower:]-' '[:upper:]_')_ADDRESS
  eval "echo \"\${$variable:-$1:8080}\""
}

servers_at() { # HOST:PORT
  getent ahosts "${1%:*}" | awk -v port="${1##*:}" '
    $2 == "STREAM" { print ($1 ~ /:/ ? "[" $1 "]" : $1) ":" port }' | sort -u
}

# Succeeds if anything has changed. A name that does not resolve keeps its last addresses.
write_upstreams() {
  changed=1
  for service in $(cat "$here/services"); do
    file=$run/upstream-$service.conf
    servers=$(servers_at "$(address_of "$service")" || true)
    if [ -z "$servers" ]; then
      [ -e "$file" ] && continue
      servers='127.0.0.1:1 down'
    fi
    {
      echo "upstream $service {"
      # Each address twice: a request that may be retried goes to the same address again if there is only
      # one, and a Kubernetes Service picks another pod. nginx must not mark an address as failed.
      echo "$servers" | sed 's/.*/  server & max_fails=0;/; p'
      # A pod that is to end serves on for longer than a connection is used (rolling-update.ts in the
      # operator): no request is sent on a connection that the pod is about to close.
      echo '  keepalive 64;'
      echo '  keepalive_time 2s;'
      echo '  keepalive_timeout 2s;'
      echo '}'
    } >"$file.new"
    if cmp -s "$file.new" "$file"; then
      rm "$file.new"
    else
      mv "$file.new" "$file"
      changed=0
    fi
  done
  return "$changed"
}

watch() { # PID of nginx
  while sleep 2 && kill -0 "$1" 2>/dev/null; do
    if [ -n "${TLS_DIR:-}" ] && take_certificate; then
      echo '{"level":"info","service":"gateway","message":"certificate changed, reloading"}'
      kill -HUP "$1"
    fi
    if write_upstreams; then
      echo '{"level":"info","service":"gateway","message":"service address changed, reloading"}'
      kill -HUP "$1"
    fi
  done
}

number PORT "${PORT:-8080}" 65535
number MANAGEMENT_PORT "${MANAGEMENT_PORT:-9090}" 65535
hops=${TRUST_PROXY:-0}
if [ "$hops" != 0 ]; then number TRUST_PROXY "$hops" 10; fi
if [ -n "${RATE_LIMIT:-}" ]; then number RATE_LIMIT "$RATE_LIMIT" 99999; fi

# A restarted container keeps its /tmp.
rm -rf /tmp/cache
mkdir -p "$run"
# Only nginx may read the copy of the key.
umask 077
if [ -n "${TLS_DIR:-}" ]; then
  if ! take_certificate && [ ! -s "$run/tls.key" ]; then
    echo 'TLS_DIR must be a folder with tls.crt and tls.key' >&2
    exit 2
  fi
  {
    listen "${PORT:-8080}" ssl
    echo "ssl_certificate $run/tls.crt;"
    echo "ssl_certificate_key $run/tls.key;"
    echo 'ssl_protocols TLSv1.2 TLSv1.3;'
    echo 'ssl_session_cache shared:tls:5m;'
    echo 'ssl_session_timeout 1h;'
  } >"$run/listen.conf"
else
  listen "${PORT:-8080}" >"$run/listen.conf"
fi
listen "${MANAGEMENT_PORT:-9090}" >"$run/listen-management.conf"
if [ "$hops" = 0 ]; then
  echo 'map "" $forwarded_client { default ""; }' >"$run/http.conf"
else
  # The entry that the outermost trusted proxy wrote; the first one if there are fewer.
  {
    echo 'map $http_x_forwarded_for $forwarded_client {'
    echo "  \"~(?:^|,)(?<entry>[^,]*+)(?:,[^,]*+){$((hops - 1))}\$\" \$entry;"
    echo "  \"~^(?<first_entry>[^,]*+)(?:,[^,]*+){0,$((hops - 1))}\$\" \$first_entry;"
    echo '  default "";'
    echo '}'
  } >"$run/http.conf"
fi
if [ -n "${RATE_LIMIT:-}" ]; then
  {
    echo "limit_req_zone \$client_network zone=clients:10m rate=${RATE_LIMIT}r/s;"
    echo "limit_req zone=clients burst=$((RATE_LIMIT * 2)) nodelay;"
    echo 'limit_req_status 429;'
  } >>"$run/http.conf"
fi
case ${LOG_LEVEL:-info} in
  trace | debug | info) ;;
  # Overrides the access_log directive of nginx.conf.
  warn | error | fatal | silent) echo 'access_log off;' >>"$run/http.conf" ;;
  *)
    echo 'LOG_LEVEL must be trace, debug, info, warn, error, fatal or silent' >&2
    exit 2
    ;;
esac
write_upstreams || true

if [ $# -eq 0 ]; then
  watch $$ &
  if [ -n "${BANNER:-}" ]; then printf '%s\n' "$BANNER"; fi
fi
exec nginx -e /dev/stderr -c "$here/nginx.conf" -g 'daemon off;' "$@"
