#!/bin/sh
# What `connect` says after an acceptance and how its --listen treats several sessions at
# once. Usage: channel.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
tests=$(realpath "$(dirname "$0")")
. "$tests/lib.sh"

# The program inside repeats what it hears.
cat >echo.py <<'PROGRAM'
import socket, threading
server = socket.create_server(("127.0.0.1", 9000))
print("listening", flush=True)
def serve(connection):
    while data := connection.recv(100):
        connection.sendall(data)
    connection.close()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
PROGRAM
"$tobichi" build --tier soft --port 9000 --add "$work/echo.py:/echo.py" -o echo.tobi -- \
	/usr/bin/python3 /echo.py >/dev/null
port=$(free_port)
id=$("$tobichi" run --detach --publish "$port:9000" echo.tobi)
listens() { "$tobichi" logs "$id" | grep -q listening; }
check "the program listens" eventually listens
sed '/^identity:/,/hardware: /d' echo.policy.yaml >any.yaml
printf 'identity:\n  mode: any-instance\n' >>any.yaml
connect() { timeout 60 "$tobichi" connect "127.0.0.1:$port" "$@"; }

# what an acceptance says
check "the enclave is accepted" exits 0 connect --policy echo.policy.yaml
check "the tier is named" has "$said" "tier soft: keeps out other processes and users; not root"
check "the identity is named" has "$said" "identity: hardware 01"
check "there is nothing to warn of" hasnt "$said" "warning:"
check "--quiet is accepted" exits 0 connect --policy echo.policy.yaml --quiet
check "--quiet is quiet" same "$said" ""
check "any instance is accepted" exits 0 connect --policy any.yaml
check "any instance is said" has "$said" "identity: any instance of this image"
check "and warned of" has "$said" "warning: ANY INSTANCE"
check "any instance with --quiet is accepted" exits 0 connect --policy any.yaml --quiet
check "and warned of with --quiet too" same "${said%%:*}" warning
check "--verbose says it once" exits 0 connect --policy any.yaml --verbose
check "in the list" same "$(echo "$said" | grep -c "ANY INSTANCE")" 1

# what comes from outside is shown, never obeyed
printf 'version: 1\nname: "\\e]0;title\\a\\e[31mred"\ntiers: [bad]\n' >escape.yaml
printf 'images: [%s]\nidentity:\n  mode: any-instance\n' "$(printf 'ab%.0s' $(seq 48))" >>escape.yaml
check "a policy with control characters is refused" exits 2 connect --policy escape.yaml
check "they are shown" has "$said" '\x1b]0;title\x07\x1b[31mred'
check "and not obeyed" same "$(printf '%s' "$said" | tr -d '\n' | tr -d -c '\000-\037' | wc -c)" 0
"$tobichi" stop "$id" >/dev/null
exit $failed
