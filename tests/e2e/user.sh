#!/bin/sh
# An ordinary user's launch: what it has, what it lacks here, and that policies decide on it.
# Usage: user.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to become another user"; exit 77; }
. "$(dirname "$0")/lib.sh"
number=65500
setpriv --reuid $number --regid $number --clear-groups test -x "$tobichi" || { echo "skipped: the build folder is closed to other users"; exit 77; }
chmod 755 "$work"
mkdir -p user/run user/data
# The caller's run and state folders are root's business: they must not matter here.
user() {
	timeout -s KILL 60 setpriv --reuid $number --regid $number --clear-groups env -i PATH=/usr/bin:/bin \
		HOME="$work/user" XDG_RUNTIME_DIR="$work/user/run" XDG_DATA_HOME="$work/user/data" "$@"
}
user_service() { sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' user/run/tobichi/service.log 2>/dev/null | tail -1; }
finish() {
	pid=$(user_service)
	[ -z "$pid" ] || kill "$pid" 2>/dev/null
	clean_up
}
trap finish EXIT
chown -R $number:$number user
chmod 700 user/run
cd user || exit 1
user setpriv --dump >/dev/null || exit 77
if ! user unshare -Ur true 2>/dev/null; then
	user "$tobichi" build --tier soft -o true.tobi -- /bin/busybox true >/dev/null
	check "without user namespaces one line says so" exits 2 user "$tobichi" run true.tobi
	check "and what is needed" has "$said" "an ordinary user needs"
	exit $failed
fi
check "build" exits 0 user "$tobichi" build --tier soft --port 8000 -o nc.tobi -- /bin/busybox nc -ll -p 8000 -e /bin/busybox echo served
user "$tobichi" build --tier soft -o hello.tobi -- /bin/busybox sh -c 'echo hello; id -u; touch /etc/x 2>/dev/null && echo written; kill -9 1 2>/dev/null; ls /proc | grep -c "^[0-9]"; true' >/dev/null
check "run" exits 0 user "$tobichi" run hello.tobi
check "its output" has "$said" hello
check "the root file system stays read-only" hasnt "$said" written
# In memory each file takes a page at least: more than the image is large.
mkdir many && cp /bin/busybox many/
(cd many && /usr/bin/python3 -c 'for i in range(8000): open(f"f{i}", "w").write("x")')
user "$tobichi" build --root many -o many.tobi -- /busybox sh -c 'ls / | grep -c ^f' >/dev/null
check "an image of many small files" same "$(user "$tobichi" run many.tobi 2>/dev/null)" 8000
lacks="this host's launch lacks: "
check "it says that user ids are shared" has "$said" "${lacks}the program and its agent share your user id inside"
port=$(free_port)
id=$(user "$tobichi" run -d --publish "$port:8000" nc.tobi 2>lacks)
user "$tobichi" attest "$id" --nonce 000102030405060708090a0b0c0d0e0f -o e >/dev/null
cd "$work/user" || exit 1
# The lines and the claims in the evidence agree.
claims=$(/usr/bin/python3 - e <<'END'
import sys
data = open(sys.argv[1], "rb").read()
at = data.index(b"\x3a\x00\x01\x13\x63") + 5  # the key -70500, then its map
def item(at):
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
    n = int.from_bytes(data[at:at + size], "big") if size else info
    at += size
    if major in (2, 3):
        return data[at:at + n], at + n
    if major == 4:
        out = []
        for _ in range(n):
            x, at = item(at)
            out.append(x)
        return out, at
    if major == 5:
        out = {}
        for _ in range(n):
            k, at = item(at)
            out[k], at = item(at)
        return out, at
    return n, at
tobichi = item(at)[0]
bits = tobichi[9]
print("user=%d memory=%d processes=%d cpu=%d own=%d first=%d" % (
    tobichi[12], bits >> 13 & 1, bits >> 14 & 1, bits >> 15 & 1, bits >> 16 & 1, bits & 0xfff))
END
)
lack() { grep -q "lacks: no limit on $1" lacks && echo 0 || echo 1; }
check "the evidence says what the lines say" same "$claims" \
	"user=1 memory=$(lack memory) processes=$(lack processes) cpu=$(lack CPU) own=0 first=4095"
n=--nonce=000102030405060708090a0b0c0d0e0f
check "the policy as built accepts or names what it lacks" sh -c '"$1" verify e --policy nc.policy.yaml '$n' >verdict 2>&1; case $? in 0) echo accepted >>verdict ;; 1) ;; *) exit 1 ;; esac' - "$tobichi"
check "the policy's protections are decided on" grep -q -E "POLICY-.*PROTECTIONS|PROTECTION" verdict
user "$tobichi" connect "127.0.0.1:$port" --policy nc.policy.yaml --quiet -- sh -c 'read line; echo "$line" >out' 2>errors
if grep -q accepted verdict; then check "what is accepted answers" same "$(cat out)" served; else check "what is refused does not" test ! -e out; fi
user "$tobichi" stop --grace 0 "$id" >/dev/null
check "root's service is another one" test ! -e "$work/run/service.sock"
gone() { [ -z "$(ls run/tobichi/enclaves 2>/dev/null)" ]; }
check "nothing is left" eventually gone
# what is missing
check "no home, no data folder" exits 2 timeout 20 setpriv --reuid $number --regid $number --clear-groups env -i PATH=/usr/bin:/bin "$tobichi" run hello.tobi
check "is one clear line" same "$said" "tobichi: error: service: folders: HOME is not set"
exit $failed
