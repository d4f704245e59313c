#!/bin/sh
# What a program finds inside: the file tree, whatever links the image has; /proc; what an
# ordinary user's launch lacks. Usage: inside.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root, to launch as root and as another user"; exit 77; }
[ -x /bin/busybox ] || { echo "skipped: needs busybox"; exit 77; }
here=$(realpath "$(dirname "$0")")
. "$here/lib.sh"

# A root folder of busybox alone.
root() { # NAME
	mkdir -p "$1/bin" "$1/etc" "$1/run/app" "$1/tmp" "$1/home"
	cp /bin/busybox "$1/bin/"
}
build() { # NAME OPTION... -- PROGRAM...: of the folder NAME, if there is one
	name=$1
	shift
	if [ -d "$name" ]; then set -- --root "$name" "$@"; fi
	"$tobichi" build --quiet --tier soft -o "$name.tobi" "$@"
}
# The packer makes writable folders itself, and refuses what is in their way: so an image
# with /keep, of which others may make one with /lead.
build_lead() { # NAME WRITABLE -- PROGRAM...
	name=$1 writable=$2
	shift 2
	mkdir -p "$name/keep${writable#/lead}"
	build "$name" --writable "/keep${writable#/lead}" "$@"
	/usr/bin/python3 "$here/patch_image.py" "$name.tobi" "$name.lead" "/keep${writable#/lead}" "$writable" &&
		mv "$name.lead" "$name.tobi"
}
inside() { # NAME
	"$tobichi" run "$1.tobi" 2>>run.log
}

# links of the image do not lead to the host's files
mkdir "$work/host" && echo "of the host" >"$work/host/file"
root out && ln -s "$work/host" out/lead
build_lead out /lead -- /bin/busybox ls -la /lead
check "a writable path that is a link out is not found" exits 2 "$tobichi" run out.tobi
check "and it is named" has "$said" "no folder /lead"
root out2 && ln -s "$work" out2/lead
build_lead out2 /lead/host -- /bin/busybox cat /lead/host/file
check "nor is one below a link out" exits 2 "$tobichi" run out2.tobi
check "and the answer is not about the host" has "$said" "no folder /lead/host"
mkdir -p "out2$work/host" && echo "of the image" >"out2$work/host/file"
build_lead out2 /lead/host -- /bin/busybox cat /lead/host/file
check "the image's own folder is meant" same "$(inside out2)" "of the image"
root top && ln -s / top/lead && mkdir top/dev
build_lead top /lead -- /bin/busybox true
check "a link to the root does not make it writable" exits 2 "$tobichi" run top.tobi
check "and the rule is named" has "$said" "leads to /, which cannot be writable"
root device && mkdir device/dev && ln -s dev device/lead
build_lead device /lead -- /bin/busybox true
check "nor one to /dev" exits 2 "$tobichi" run device.tobi
root var && ln -s /run var/var
build var --writable /var/app -- /bin/busybox sh -c 'echo 1 >/run/app/file && cat /var/app/file'
check "a link inside the image is followed" same "$(inside var)" 1

# /proc does not tell of the host, nor changes it
cat >probe.sh <<'END'
cd /proc
for f in buddyinfo cmdline config.gz consoles diskstats dma interrupts iomem ioports kallsyms kcore key-users keys \
	kmsg kpagecgroup kpagecount kpageflags latency_stats locks mdstat misc modules mtrr pagetypeinfo partitions \
	sched_debug schedstat slabinfo softirqs sysrq-trigger timer_list timer_stats vmallocinfo vmcore zoneinfo; do
	[ ! -e $f ] || [ "$(head -c 1 $f | wc -c)" = 0 ] || echo "shown $f"
	(echo h >$f) 2>/dev/null && echo "written $f"
done
for f in acpi asound driver dynamic_debug pressure scsi; do
	[ ! -e $f ] || [ -z "$(ls $f)" ] || echo "shown $f"
done
for f in bus fs irq sys; do
	[ ! -e $f ] || grep -q " /proc/$f ro," self/mountinfo || echo "writable $f"
done
(echo x >sys/kernel/hostname) 2>/dev/null && echo "written hostname"
grep -q MemTotal meminfo && grep -q processor cpuinfo && grep -q btime stat && grep -q Pid self/status && echo needed
END
build proc --add "$work/probe.sh:/probe.sh" -- /bin/busybox sh /probe.sh
check "/proc tells nothing of the host" same "$(inside proc)" needed

# without a loop device the image is unpacked, and that is said
cat >no-loop.sh <<'END'
mount --bind /dev/null /dev/loop-control || exit 77
TOBICHI_RUN_FOLDER="$PWD/run2" "$@"
END
build plain -- /bin/busybox sh -c 'echo started; touch /bin/x /x 2>/dev/null && echo written; true'
check "the image is unpacked where it cannot be mounted" exits 0 unshare -m sh no-loop.sh "$tobichi" run plain.tobi
check "and its program runs" has "$said" started
check "in a root that it cannot write" hasnt "$said" written
check "and that is said" has "$said" "the image is unpacked into memory: there is no loop device here"
check "nothing of it where it is mounted" hasnt "$("$tobichi" run plain.tobi 2>&1)" "unpacked"

# two services of one host give different user ids
build map -- /bin/busybox sh -c 'cat /proc/self/uid_map; read stop'
mkfifo hold
timeout 60 "$tobichi" run map.tobi <hold >map1 2>>run.log &
exec 9>hold
eventually test -s map1
: | TOBICHI_RUN_FOLDER="$work/run2" "$tobichi" run map.tobi >map2 2>>run.log
check "an enclave has ids of its own" has "$(cat map1)" 65536
check "and another service's has others" sh -c '[ -s map2 ] && ! cmp -s map1 map2'
exec 9>&-
wait $!

# secrets are the agent's to write, even where the program is the same user
try='touch x 2>/dev/null && echo made; mkdir y 2>/dev/null && echo made; chmod 777 . 2>/dev/null && echo changed; '
try="cd /run/secrets; $try mv /run/secrets /run/other 2>/dev/null && echo moved; touch /run/mine && echo mine"
build secrets -- /bin/busybox sh -c "$try"
check "a program makes no secret" same "$(inside secrets)" mine
(umask 077 && echo "of the owner" >token)
build waits --secret token --port 8080 -- /bin/busybox sh -c "head -c 1000 /run/secrets/token; $try"
port=$(free_port)
timeout 30 "$tobichi" run --publish "$port:8080" waits.tobi >waits.out 2>>run.log &
waiting=$!
check "the agent stores one" eventually "$tobichi" send "127.0.0.1:$port" --policy waits.policy.yaml token=token
wait $waiting
check "and the program reads it" same "$(cat waits.out)" "of the owner
mine"

# an ordinary user
theirs=$(mktemp -d)
their_end() {
	for log in "$theirs/run/tobichi/service.log" "$work/run2/service.log"; do
		pid=$(sed -n 's/^event=ready pid=\([0-9]*\) .*/\1/p' "$log" 2>/dev/null | tail -1)
		[ -z "$pid" ] || kill "$pid" 2>/dev/null
	done
	rm -rf "$theirs"
	clean_up
}
trap their_end EXIT
cp token "$tobichi" "$1/daemons/platform/tobichid" "$1/daemons/agent/tobichi-agent" ./*.tobi "$theirs"
mkdir -m 700 "$theirs/run"
chown -R 65534:65534 "$theirs"
user() {
	(cd "$theirs" && setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH="$PATH" HOME="$theirs" \
		XDG_RUNTIME_DIR="$theirs/run" "$@")
}
if user unshare -U true 2>/dev/null; then
	check "an ordinary user's enclave runs" exits 0 user ./tobichi run plain.tobi
	check "its program too" has "$said" started
	check "its lack: who can look in" has "$said" "other processes of yours can look into the enclave"
	check "its lack: unpacked" has "$said" "the image is unpacked into memory: only root can mount it"
	check "the status says the same" has "$(user ./tobichi platform status 2>&1)" \
		"other processes of yours can look into the enclave"
	check "nor does a user's" same "$(user ./tobichi run secrets.tobi 2>/dev/null)" mine
	# Its platform has other keys, which its own policy names.
	user ./tobichi build --quiet --tier soft -o own.tobi --secret token --port 8080 -- \
		/bin/busybox sh -c "head -c 1000 /run/secrets/token; $try"
	user timeout 30 ./tobichi run --publish "$port:8080" own.tobi >waits2.out 2>>run.log &
	waiting=$!
	check "a user's agent stores one too" eventually user ./tobichi send "127.0.0.1:$port" --policy own.policy.yaml token=token
	wait $waiting
	check "and the user's program reads it" same "$(cat waits2.out)" "of the owner
mine"
	check "/proc tells a user's program nothing either" same "$(user ./tobichi run proc.tobi 2>/dev/null)" needed
else
	echo "skipped: an ordinary user cannot make namespaces here"
fi
exit $failed
