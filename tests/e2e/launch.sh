#!/bin/sh
# A launch that cannot be: one clear line, status 2, and nothing left. Hostile clients of the
# service. What runs is what was measured.
# Usage: launch.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
here=$(realpath "$(dirname "$0")")
. "$here/lib.sh"
run() { timeout -s KILL 60 "$tobichi" run "$@"; }
build() { name=$1; shift; "$tobichi" build --tier soft -o "$name.tobi" "$@" >/dev/null; }
# Nothing of an enclave is left in the run folder, and none is listed.
clean() { "$tobichi" ps 2>&1 | grep -q -E '^[0-9a-f]{8} ' && return 1; [ -z "$(ls run/enclaves 2>/dev/null)" ]; }
refuses() { # NAME TEXT COMMAND...: exit status 2, and the text in one line
	name=$1 text=$2
	shift 2
	check "$name" exits 2 "$@"
	check "$name: it says so" has "$said" "$text"
	check "$name: in one line" same "$(echo "$said" | wc -l)" 1
	check "$name: nothing is left" eventually clean
}
build true -- /bin/busybox true
run true.tobi || exit 1 # makes the platform's keys, so that nothing more is said later

# the program
mkdir -p root/bin root/proc root/dev root/tmp root/home root/run root/var
cp /bin/busybox root/bin/good
cp /bin/busybox root/bin/busybox
cp /bin/busybox root/bin/mode
chmod 644 root/bin/mode
cp /bin/busybox root/bin/arch
printf '\267' | dd of=root/bin/arch bs=1 seek=18 conv=notrunc 2>/dev/null # EM_AARCH64
[ "$(uname -m)" = aarch64 ] && printf '\076' | dd of=root/bin/arch bs=1 seek=18 conv=notrunc 2>/dev/null
printf '%100s' nonsense >root/bin/junk
printf '#!/bin/absent\n' >root/bin/text
chmod 755 root/bin/junk root/bin/text
# What no build lets through, but others may make.
build good --root root -- /bin/good
for program in mode arch junk text gone; do
	/usr/bin/python3 "$here/patch_image.py" good.tobi $program.tobi /bin/good /bin/$program
done
refuses "a program that is not executable" "/bin/mode is not executable" run mode.tobi
mkdir -p root/tmp/mine
cp /bin/busybox root/tmp/mine/busybox
build writable --root root -- /tmp/mine/busybox true
refuses "a program below a writable path" "nothing writable is executed" run writable.tobi
refuses "a program for another machine" "is a program for" run arch.tobi
refuses "neither program nor script" "/bin/junk is neither a program nor a script" run junk.tobi
refuses "a script without its interpreter" "needs the interpreter /bin/absent" run text.tobi
refuses "a program that is not in the image" "/bin/gone is not in the image" run gone.tobi
/usr/bin/python3 "$here/patch_image.py" true.tobi other.tobi
refuses "an image for another machine" "and this host is" run other.tobi

# files that are no images
refuses "no file" "cannot open absent.tobi" run absent.tobi
refuses "a folder" "not a regular file" run root
mkfifo pipe
refuses "a pipe, which is not waited for" "not a regular file" run pipe
refuses "another file" "not a Tobichi image" run root/bin/junk
head -c 8192 true.tobi >short.tobi
check "half an image" exits 2 run short.tobi
: >empty.tobi
check "an empty image" exits 2 run empty.tobi

# ports, environment, arguments
build port --port 8000 -- /bin/busybox sleep 60
for port in 0 65536 99999999999 -1 http 127.0.0.1 300.1.1.1:80 ::1:80 1:2:3 ''; do
	refuses "--publish '$port'" "ports from 1 to 65535" run --publish "$port" port.tobi
done
taken=$(free_port)
/usr/bin/python3 -c 'import socket, sys, time
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
open("listens", "w").close()
time.sleep(60)' "$taken" &
holder=$!
eventually test -e listens
refuses "a port that is taken" "127.0.0.1:$taken is taken" run --publish "$taken:8000" port.tobi
kill $holder
refuses "a port that the image does not list" "does not list port 81" run --publish "$(free_port):81" port.tobi
refuses "a port of an image without any" "the image lists no port" run --publish "$(free_port)" true.tobi
refuses "an address of another host" "192.0.2.1" run --publish "192.0.2.1:$(free_port):8000" port.tobi
refuses "environment that the image sets" "the image sets PATH" run --env PATH=/evil true.tobi
refuses "a wrong name in the environment" "variable's name" run --env 1X=y true.tobi
check "--env without a value" exits 2 run --env X true.tobi
set --
while [ $# -lt 514 ]; do set -- "$@" --arg x; done
check "too many arguments" exits 2 run "$@" true.tobi
refuses "a name that is too long" "name" run --name "$(printf 'n%.0s' $(seq 65))" true.tobi

# what does not get in from outside
build env -- /bin/busybox env
LD_PRELOAD=/nowhere.so LD_LIBRARY_PATH=/evil LD_AUDIT=/evil GCONV_PATH=/evil BASH_ENV=/evil IFS=x run env.tobi >inside 2>errors
for name in LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT GCONV_PATH BASH_ENV; do
	check "$name stays outside" hasnt "$(cat inside)" $name
done
check "and there is an environment" has "$(cat inside)" PATH=

# closed standard streams: no other descriptor takes their place
build cat -- /bin/busybox cat
check "a closed standard input is an empty one" exits 0 sh -c 'timeout -s KILL 20 "$1" run cat.tobi <&-' - "$tobichi"
check "a closed standard output" exits 0 sh -c 'timeout -s KILL 20 "$1" run true.tobi >&-' - "$tobichi"

# what runs is the measured copy: the file changes after the service has its descriptor
echo measured >root/data
build first --root root -- /bin/busybox sh -c 'read x; while read y; do echo "$y"; done </data'
echo replaced >root/data
build second --root root -- /bin/busybox sh -c 'read x; while read y; do echo "$y"; done </data'
cp first.tobi image.tobi
mkfifo go
run image.tobi <go >out 2>&1 &
runner=$!
exec 5>go
running() { "$tobichi" ps | grep -q running; }
check "it runs, and waits" eventually running
cat second.tobi >image.tobi
echo go >&5
exec 5>&-
wait $runner
check "the measured copy is what runs" same "$(cat out)" measured

# a writer that races: one image or the other, or an error; never a mixture
sh -c 'while :; do cat first.tobi >race.tobi; cat second.tobi >race.tobi; : >race.tobi; done' &
writer=$!
outcome=0
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	out=$(echo go | run race.tobi 2>/dev/null)
	case $?:$out in 0:measured | 0:replaced | 2:) ;; *) echo "  $out"; outcome=1 ;; esac
done
kill $writer
wait $writer 2>/dev/null
check "an image that changes while it is read" same $outcome 0
check "nothing is left of it" eventually clean

# hostile clients
build idle --port 8000 -- /bin/busybox sleep 60
"$tobichi" run -d --name idle idle.tobi >/dev/null # keeps the service up meanwhile
timeout -s KILL 120 /usr/bin/python3 -B "$here/packets.py" "$work/run/service.sock" "$work/idle.tobi" >packets.log 2>&1
check "hostile clients" same $? 0
grep FAILED packets.log
chmod 755 "$work" run
chmod 666 run/service.sock
check "another user's connection gets no answer" same "$(setpriv --reuid 65500 --regid 65500 --clear-groups \
	/usr/bin/python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(10)
s.connect(sys.argv[1])
try:
    s.send(b"\xa1\x00\x03")
    print(s.recv(1000))
except (BrokenPipeError, ConnectionResetError):
    print(b"")' "$work/run/service.sock")" "b''"
chmod 700 run
"$tobichi" stop --grace 0 idle >/dev/null
check "nothing is left of them" eventually clean
# a run folder whose path has no room in a socket's address
long=$work/$(printf '%0120d' 1)
mkdir -m 700 "$long"
check "a path that is too long for a socket" exits 2 env TOBICHI_RUN_FOLDER="$long" "$tobichi" ps
check "and says so" has "$said" "path is too long"
exit $failed
