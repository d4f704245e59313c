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
nasty=$(printf '\033]0;title\007\033[31mred')
check "a name with control characters is no file" exits 2 "$tobichi" run "$nasty"
check "it is shown" has "$said" '\x1b]0;title\x07\x1b[31mred'
check "and not obeyed" same "$(printf '%s' "$said" | tr -d '\n' | tr -d -c '\000-\037' | wc -c)" 0
# --listen says where, and who else can come there
listen() { # ADDRESS: what it says, in the file heard
	rm -f heard
	"$tobichi" connect "127.0.0.1:$port" --policy echo.policy.yaml --listen "$1" 2>heard &
	client=$!
	eventually grep -q "^listening" heard
}
stop_listening() {
	kill -INT "$client"
	wait "$client"
}
talks() { # ADDRESS PORT
	/usr/bin/python3 -c '
import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 20) as one:
    one.sendall(b"word")
    sys.exit(one.recv(4) != b"word")' "$1" "$2"
}
taken() { sed -n 's/^listening on .*:\([0-9]*\);.*/\1/p' heard; }
check "an address without a port listens" listen 127.0.0.1
check "the port is printed" talks 127.0.0.1 "$(taken)"
check "on the loopback address there is no warning" hasnt "$(cat heard)" warning
stop_listening
check "all addresses are listened on" listen 0.0.0.0
check "it warns" grep -q "^warning: whoever can reach 0.0.0.0:$(taken)" heard
stop_listening

# An address that does not answer any more holds up nobody's open session.
cat >deaf.py <<'PROGRAM'
import socket, sys, threading
def move(a, b):
    while data := a.recv(65536):
        b.sendall(data)
    b.shutdown(socket.SHUT_WR)
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(0)
print(server.getsockname()[1], flush=True)
for _ in range(2):  # the first look, and one session; then nobody accepts
    near = server.accept()[0]
    far = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    for pair in ((near, far), (far, near)):
        threading.Thread(target=move, args=pair, daemon=True).start()
threading.Event().wait()
PROGRAM
/usr/bin/python3 deaf.py "$port" >deaf.port 2>/dev/null &
deaf=$!
eventually test -s deaf.port
direct=$port
port=$(cat deaf.port)
check "it listens, behind an address that will go deaf" listen "127.0.0.1:$(free_port)"
cat >two.py <<'PROGRAM'
import socket, sys
local, deaf = (int(a) for a in sys.argv[1:])
def ask(one):
    one.sendall(b"word")
    assert one.recv(4) == b"word"
one = socket.create_connection(("127.0.0.1", local))
one.settimeout(20)
ask(one)
queue = []
for _ in range(3):  # fills the queue of the deaf address: the next one is not answered
    queue.append(socket.socket())
    queue[-1].setblocking(False)
    queue[-1].connect_ex(("127.0.0.1", deaf))
two = socket.create_connection(("127.0.0.1", local))
for _ in range(20):
    ask(one)
two.setblocking(False)
try:
    two.recv(1)
    sys.exit("the second session is not under way")
except BlockingIOError:
    pass
PROGRAM
check "an open session goes on while another is being connected" \
	/usr/bin/python3 two.py "$(taken)" "$port"
stop_listening
kill $deaf
wait $deaf 2>/dev/null
port=$direct
"$tobichi" stop "$id" >/dev/null

# Nobody there: an error that names the address.
check "a closed port is an error" exits 2 connect --policy echo.policy.yaml
check "that names it" has "$said" "127.0.0.1:$port: cannot connect"
exit $failed
