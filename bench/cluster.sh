# cluster.sh: sourced by the benchmarks. Starts a throwaway server with pg_etl (as postgres when we are root) that
# ends with the script; sets PGHOST, PGUSER, PGDATABASE and $bindir. Needs an installed pg_etl (make install).
set -euo pipefail
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
bindir=$("$PG_CONFIG" --bindir)
work=$(mktemp -d /tmp/pg_etl-bench.XXXXXX)
as_postgres() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
cluster_stop() { cd /; as_postgres "$bindir/pg_ctl" -D "$work/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$work"; }
trap cluster_stop EXIT

# cluster_start ['setting = value' …]
cluster_start() {
  [ "$(id -u)" = 0 ] && chown postgres "$work"
  cd "$work"
  as_postgres "$bindir/initdb" -D "$work/data" -A trust -U postgres >/dev/null
  printf '%s\n' "shared_preload_libraries = 'pg_etl'" "unix_socket_directories = '$work'" "listen_addresses = ''" \
    "max_worker_processes = 32" "shared_buffers = 512MB" "max_wal_size = 8GB" "$@" >>"$work/data/postgresql.conf"
  # as many open files as it may have: runuser lowers that
  as_postgres bash -c 'ulimit -n "$(ulimit -Hn)" && exec "$@"' - "$bindir/pg_ctl" -D "$work/data" -l "$work/log" -w start >/dev/null
  export PGHOST=$work PGUSER=postgres PGDATABASE=postgres
  sql 'CREATE EXTENSION pg_etl'
}

sql() { psql -XAtq -v ON_ERROR_STOP=1 -c "$1"; }
