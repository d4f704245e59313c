#!/bin/sh
# Runs a program with a private PostgreSQL: in a folder of its own, on a Unix socket only.
# usage: tests/postgres.sh PROGRAM ARGUMENT...
# The program finds TOBICHI_TEST_DATABASE (as db_open() takes it), and
# TOBICHI_TEST_POSTGRES, a script that knows "kill" (SIGKILL to all of the server's
# processes, as a crash), "start" and "stop". Exits 77 when there is no PostgreSQL.
set -eu

bin=${POSTGRES_BIN:-}
for folder in /usr/lib/postgresql/*/bin; do
	[ -n "$bin" ] || [ ! -x "$folder/postgres" ] || bin=$folder
done
if [ -z "$bin" ]; then
	echo "skipped: PostgreSQL is not installed (package postgresql)"
	exit 77
fi

base=$(mktemp -d /tmp/tobichi-postgres-XXXXXX)
# initdb refuses root.
as=
if [ "$(id -u)" = 0 ]; then
	user=nobody
	! id postgres >/dev/null 2>&1 || user=postgres
	chown "$user" "$base"
	as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups --"
fi
chmod 711 "$base"

cat >"$base/control" <<END
#!/bin/sh
# start, stop, kill: of this server.
set -eu
cd "$base"
case \$1 in
start)
	$as "$bin/pg_ctl" -D "$base/data" -l "$base/log" -w -t 60 \\
		-o "-c listen_addresses= -c unix_socket_directories=$base -c max_connections=60" \\
		start >/dev/null ;;
stop)
	$as "$bin/pg_ctl" -D "$base/data" -m immediate -w stop >/dev/null ;;
kill)
	# The first line is the postmaster's id: of the one that this script started.
	pid=\$(head -n 1 "$base/data/postmaster.pid")
	kill -STOP "\$pid"
	children=\$(ps -o pid= --ppid "\$pid")
	kill -KILL \$pid \$children 2>/dev/null || true
	for one in \$pid \$children; do
		while kill -0 "\$one" 2>/dev/null; do sleep 0.05; done
	done ;;
esac
END
chmod 755 "$base/control"
# shellcheck disable=SC2329
leave() {
	"$base/control" stop 2>/dev/null || true
	rm -rf "$base"
}
trap leave EXIT
trap 'exit 1' INT TERM HUP

cd "$base"
$as "$bin/initdb" -D "$base/data" -A trust -U broker -E UTF8 --no-locale >"$base/initdb.log" 2>&1 || {
	cat "$base/initdb.log"
	exit 1
}
"$base/control" start || {
	cat "$base/log"
	exit 1
}
export TOBICHI_TEST_DATABASE="postgres:host=$base user=broker dbname=postgres"
export TOBICHI_TEST_POSTGRES="$base/control"
cd "$OLDPWD"
code=0
"$@" || code=$?
exit $code
