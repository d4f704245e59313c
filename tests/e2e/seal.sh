#!/bin/sh
# What an enclave seals, and who opens it again; counters; the example of the C API.
# Usage: seal.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
build=$1
. "$(dirname "$0")/lib.sh"
# Images of a shell that reads what it shall do: what differs between them is the identity.
image() { name=$1; shift; "$tobichi" build --tier soft -o "$name.tobi" "$@" -- /bin/busybox sh >/dev/null; }
# inside IMAGE SCRIPT: what it prints, and its status
inside() {
	printf 'cd /tmp\n%s\n' "$2" | timeout -s KILL 60 "$tobichi" run "$1.tobi"
}
seal() { inside "$1" "printf '$2' | tobichi seal $3 | base64 -w0"; }
# unseal IMAGE BLOB OPTIONS: the content, or what was said, in $said
unseal() { inside "$1" "echo '$2' | base64 -d | tobichi unseal ${3:-}"; }
gone() { ! kill -0 "$(service)" 2>/dev/null; }
end_service() {
	kill -s "$1" "$(service)" 2>/dev/null
	eventually gone
}
"$tobichi" keygen -o publisher >/dev/null
"$tobichi" keygen -o other >/dev/null
image a --key publisher.key --product 1 --svn 1
image a2 --key publisher.key --product 1 --svn 2
image product --key publisher.key --product 2 --svn 2
image stranger --key other.key --product 1 --svn 2
image unsigned --product 1 --svn 2
image debug --key publisher.key --product 1 --svn 2 --debug
image both --key publisher.key --product 1 --svn 2 --env X=1
"$tobichi" sign both.tobi --key other.key >/dev/null

# outside
for command in "seal" "unseal" "counter read a"; do
	# shellcheck disable=SC2086 # words are meant
	check "outside of an enclave: $command" exits 2 "$tobichi" $command </dev/null
	check "it says where it works" has "$said" "only inside an enclave"
done

# Somebody else who listens at that path is not asked.
cat >listen.py <<'END'
import os, socket, subprocess, sys
os.makedirs("/run/tobichi")
listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listener.bind("/run/tobichi/agent.sock")
listener.listen()
sys.exit(subprocess.run(sys.argv[1:], input=b"secret").returncode)
END
check "another who listens at that path" exits 1 unshare -m sh -c 'mount -t tmpfs none /run && exec "$@"' - \
	/usr/bin/python3 listen.py "$tobichi" seal
check "is not asked" has "$said" "not the agent of an enclave"

# Sealing is what makes this agent's keys first; evidence comes later.
"$tobichi" build --tier soft -o first.tobi -- /bin/busybox sh -c 'tobichi seal </dev/null | wc -c; exec sleep 1000' >/dev/null
id=$("$tobichi" run -d first.tobi)
sealed() { "$tobichi" logs "$id" | grep -q '^120$'; }
check "an enclave without a port seals" eventually sealed
check "and then proves itself" exits 0 "$tobichi" attest "$id" -o first.evidence
"$tobichi" stop --grace 0 "$id" >/dev/null

# to the image
blob=$(seal a 'the secret' '')
check "a sealed object comes out" test -n "$blob"
check "the content is not in it" hasnt "$(echo "$blob" | base64 -d | tr -d '\0')" secret
check "another start of the same image opens it" same "$(unseal a "$blob" '')" "the secret"
check "another image does not" exits 1 unseal a2 "$blob"
check "it says why" has "$said" "sealed to another image"
again=$(seal a 'the secret' '')
check "the same content twice is not alike" test "$blob" != "$again"
end_service KILL
check "it opens after the service was killed and is another" same "$(unseal a "$blob" '')" "the secret"

# associated data, and damage
bound=$(seal a 'bound' '--aad account-7')
check "with its associated data" same "$(unseal a "$bound" '--aad account-7')" bound
check "without them" exits 1 unseal a "$bound" ''
check "it says what may be" has "$said" "other associated data"
check "with others" exits 1 unseal a "$bound" '--aad account-8'
changed=$(echo "$blob" | base64 -d | /usr/bin/python3 -c '
import sys
data = bytearray(sys.stdin.buffer.read())
data[106] ^= 1
sys.stdout.buffer.write(data)' | base64 -w0)
check "one changed bit" exits 1 unseal a "$changed" ''
check "cut" exits 2 unseal a "$(echo "$blob" | base64 -d | head -c 125 | base64 -w0)" ''
check "it says so" has "$said" "its header asks for"
check "no object at all" exits 2 unseal a "$(echo nonsense | base64)" ''

# to the signer
blob=$(seal a 'of version 1' '--to signer')
check "a signer's object: the same version" same "$(unseal a "$blob" '')" "of version 1"
check "a newer version opens it" same "$(unseal a2 "$blob" '')" "of version 1"
check "an image that others have signed, too" same "$(unseal both "$blob" '')" "of version 1"
newer=$(seal a2 'of version 2' '--to signer')
check "an older version does not open a newer one's" exits 1 unseal a "$newer" ''
check "it says why" has "$said" "older ones cannot open it"
check "another product" exits 1 unseal product "$blob" ''
check "is told so" has "$said" "product"
check "another signer" exits 1 unseal stranger "$blob" ''
check "is told so" has "$said" "has not signed this"
check "a debug image" exits 1 unseal debug "$blob" ''
check "is told so" has "$said" "debug"
check "a header that says an older version opens nothing" exits 1 unseal a "$(echo "$newer" | base64 -d | /usr/bin/python3 -c '
import sys
data = bytearray(sys.stdin.buffer.read())
data[15] = 1
sys.stdout.buffer.write(data)' | base64 -w0)" ''
check "an unsigned image cannot seal to its signer" exits 1 inside unsigned 'tobichi seal --to signer </dev/null'
check "it says what to do" has "$said" "--key"
check "of two signers one is to be named" exits 2 inside both 'tobichi seal --to signer </dev/null'
id=$("$tobichi" inspect --json a.tobi | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["signers"][0])')
named=$(seal both 'named' "--to signer --signer $id")
check "and then it is that one's" same "$(unseal a2 "$named" '')" named
check "not the other's" exits 1 unseal stranger "$named" ''

# another platform
mv state state.first
end_service TERM
check "with other keys" exits 1 unseal a "$blob" ''
check "it does not open" has "$said" "another platform"
end_service TERM
rm -rf state && mv state.first state
check "back on the first it does" same "$(unseal a "$blob" '')" "of version 1"

# sizes
check "16 MiB there and back" exits 0 inside a 'head -c 16777216 /dev/urandom >big; tobichi seal -o sealed big && tobichi unseal -o again sealed && cmp big again'
check "a byte more is too much" exits 2 inside a 'head -c 16777217 /dev/zero | tobichi seal'
check "nothing at all can be sealed" exits 0 inside a 'tobichi seal </dev/null | tobichi unseal'
check "many at once" exits 0 inside a 'for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24; do
( [ "$(echo $n | tobichi seal | tobichi unseal)" = $n ] || echo wrong >wrong ) & done; wait; [ ! -e wrong ]'

# what the program can do to it
check "its folder is read-only" exits 1 inside a 'touch /run/tobichi/x'
check "and stays where it is" exits 1 inside a 'mv /run/tobichi /run/elsewhere'
check "the tool has only some commands" exits 2 inside a 'tobichi build'
check "and helps with these" exits 0 inside a 'tobichi help seal'
check "with all that it can do" has "$said" "--aad TEXT"

# counters
count() { inside "$1" "tobichi counter --quiet $2"; }
check "a counter begins at zero" same "$(count a 'read states')" 0
check "it counts" same "$(count a 'increment states')" 1
check "and again" same "$(count a 'increment states')" 2
check "it says that a restored backup is not noticed" exits 0 inside a 'tobichi counter read states'
check "in these words" has "$said" "kept in a file: a restored backup is not noticed"
end_service KILL
check "it survives a killed service" same "$(count a 'read states')" 2
check "another image does not see it" same "$(count a2 'read states')" 0
check "a signer's counter" same "$(count a 'increment --to signer states')" 1
check "is the same for a newer version" same "$(count a2 'increment --to signer states')" 2
check "not for another product" same "$(count product 'read --to signer states')" 0
check "nor for another signer" same "$(count stranger 'read --to signer states')" 0
check "nor for a debug image" same "$(count debug 'read --to signer states')" 0
for n in 1 2 3 4; do count a 'increment many' >/dev/null & pids="${pids:-} $!"; done
# shellcheck disable=SC2086 # words are meant
wait $pids
check "enclaves that count at once" same "$(count a 'read many')" 4
check "a name that is none" exits 2 inside a 'tobichi counter read a/b'
check "64 counters are enough" exits 2 inside a2 'for n in $(seq 65); do tobichi counter --quiet increment n$n >/dev/null || exit; done'
check "it says so" has "$said" "64 counters already"
cp state/counters saved
printf x >>state/counters
end_service KILL
check "a changed file of counters" exits 1 inside a 'tobichi counter read states'
check "is noticed" has "$said" "the file was changed"
cp saved state/counters
check "and nothing else is lost" same "$(count a 'read states')" 2

# an ordinary user's enclave, whose program has the agent's user
number=65500
mkdir -p user/run user/data && chown -R $number:$number user && chmod 700 user/run && chmod 755 "$work"
user() {
	(cd user && timeout -s KILL 60 setpriv --reuid $number --regid $number --clear-groups env -i PATH=/usr/bin:/bin \
		HOME="$work/user" XDG_RUNTIME_DIR="$work/user/run" XDG_DATA_HOME="$work/user/data" "$@")
}
if user test -x "$tobichi" && user unshare -Ur true 2>/dev/null; then
	user "$tobichi" build --tier soft -o u.tobi -- /bin/busybox sh -c \
		'cd /tmp; echo mine | tobichi seal -o s && tobichi unseal s && tobichi counter -q increment a && touch /run/tobichi/x' >/dev/null
	exits 1 user "$tobichi" run u.tobi
	check "an ordinary user's enclave seals, opens and counts" has "$said" "mine
1
touch: /run/tobichi/x: Read-only file system"
	check "in a file of that user's" test -s user/data/tobichi/counters
fi

# the example: it keeps its state with whoever likes to keep it
# A program that a shell starts brings no libraries by itself.
libraries=$(ldd "$build/examples/example-seal" | awk '$2 == "=>" { print "--add", $3 ":/opt/lib/" $1 } $1 ~ /^\// { print "--add", $1 }')
kept() {
	# shellcheck disable=SC2086 # words are meant
	"$tobichi" build --tier soft -o kept.tobi --env LD_LIBRARY_PATH=/opt/lib --env ASAN_OPTIONS=detect_leaks=0 "$@" $libraries \
		--add "$build/examples/example-seal:/bin/example-seal" -- /bin/busybox sh >/dev/null
}
kept
check "the example counts" same "$(inside kept 'for n in 1 2 3; do example-seal state; done')" \
	"1 (a restored platform is not noticed)
2 (a restored platform is not noticed)
3 (a restored platform is not noticed)"
check "a lost state is noticed" exits 2 inside kept 'example-seal state'
kept --env X=1
check "and an old copy of it" exits 2 inside kept 'example-seal state && cp state old && example-seal state && cp old state && example-seal state'
check "with what may be wrong" has "$said" "other associated data"
check "outside it says where it works" exits 2 "$build/examples/example-seal" state
check "in words" has "$said" "only inside an enclave"
exit $failed
