#!/bin/sh
# Somebody else was first where the service's socket should be: nothing is said to it.
# Usage: squat.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to play another user"; exit 77; }
. "$(dirname "$0")/lib.sh"

squatter=
trap '[ -z "$squatter" ] || kill "$squatter" 2>/dev/null; clean_up' EXIT
chmod 711 "$work"
cat >squat.py <<'END'
"""Another user who listens, and writes down what is said."""
import os, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
os.umask(0)
listener.bind(sys.argv[1] + "/service.sock")
listener.listen()
print("ready", flush=True)
while True:
    peer, _ = listener.accept()
    print("heard", len(peer.recv(1 << 20)), flush=True)
    peer.close()
END
squat() { # FOLDER
	setpriv --reuid 4242 --regid 4242 --clear-groups /usr/bin/python3 squat.py "$1" >heard &
	squatter=$!
	eventually grep -q ready heard
}
refused() { # NAME TEXT
	for command in ps "run -- /bin/busybox true"; do
		# shellcheck disable=SC2086
		check "$1: ${command%% *}" exits 2 "$tobichi" $command
		check "$1: and says why" has "$said" "$2"
	done
	# The last to connect was accepted when this is heard, so all before it were.
	/usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1] + "/service.sock")
s.send(b"the last word")' "$TOBICHI_RUN_FOLDER"
	eventually grep -q "heard 13" heard
	check "$1: nothing was said to it" same "$(grep -c 'heard [1-9]' heard)" 1
	kill $squatter
}
mkdir -m 700 theirs
chown 4242:4242 theirs
TOBICHI_RUN_FOLDER=$work/theirs
squat theirs
refused "another user's folder" "must be a folder of yours"

mkdir -m 777 open
chmod 777 open
TOBICHI_RUN_FOLDER=$work/open
squat open
refused "a folder that others can enter" "must be a folder of yours"

mkdir -m 777 behind
chmod 777 behind
squat behind
chmod 700 behind
ln -s "$work/behind" way
TOBICHI_RUN_FOLDER=$work/way
refused "a link" "must be a folder of yours"

mkdir run
chmod 777 run
squat run
chmod 700 run
TOBICHI_RUN_FOLDER=$work/run
refused "another user's socket in one's own folder" "another user listens"

TOBICHI_RUN_FOLDER=$work/$(printf '%0120d' 1)
mkdir -m 700 "$TOBICHI_RUN_FOLDER"
check "a path that is too long for a socket" exits 2 "$tobichi" ps
check "and says so" has "$said" "path is too long"
exit $failed
