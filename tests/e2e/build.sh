#!/bin/sh
# Packing: real programs arrive whole, the same input gives the same bytes, hostile and odd
# input is refused in one line, and nothing is left behind.
# Usage: build.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
mkdir tmp
export TMPDIR="$work/tmp"
build() { "$tobichi" build --tier soft "$@"; }
clean() { same "$(ls tmp)" ""; }
# refuses TEXT COMMAND...: exit status 2, one line that has the text, nothing left
refuses() {
	text=$1
	shift
	exits 2 "$@" && has "$said" "$text" && same "$(echo "$said" | wc -l)" 1 && clean
}

# ---- unchanged programs run ----
answer() { # IMAGE INNER_PORT COMMAND...: starts it, opens a local port $local, runs the command
	image=$1 inner=$2
	shift 2
	server_ports
	enclave=$("$tobichi" run --detach --publish "$port:$inner" "$image.tobi" 2>run.log) || { cat run.log; return 1; }
	ready() { "$tobichi" connect "127.0.0.1:$port" --policy "$image.policy.yaml" --quiet; }
	eventually ready
	"$tobichi" connect "127.0.0.1:$port" --policy "$image.policy.yaml" --listen "127.0.0.1:$local" >/dev/null 2>&1 &
	client=$!
	eventually "$@"
	answered=$("$@" 2>&1)
	kill -INT $client
	wait $client
	[ -n "$answered" ] || "$tobichi" logs "$enclave"
	"$tobichi" stop --grace 0 "$enclave" >/dev/null
}
fetch() { curl -sf "http://127.0.0.1:$local/"; }
ping() { redis-cli -p "$local" ping; }
check "python3 with its standard library is packed" build -o python.tobi --port 8000 -- python3 -m http.server 8000
answer python 8000 fetch
check "python3 -m http.server answers" has "$answered" "Directory listing"
if command -v nginx >/dev/null; then
	check "nginx with its configuration is packed" build -o nginx.tobi --port 80 -- nginx -g 'daemon off;'
	answer nginx 80 fetch
	check "nginx answers on port 80, without being root" has "$answered" "<html"
fi
if command -v redis-server >/dev/null; then
	check "redis-server is packed" build -o redis.tobi --port 6379 -- redis-server --save '' --dir /tmp
	answer redis 6379 ping
	check "redis-server answers" same "$answered" PONG
fi
says() { # EXPECTED COMMAND...: as run -- COMMAND
	expected=$1
	shift
	same "$("$tobichi" run -- "$@" 2>&1)" "$expected"
}
cat >surroundings.py <<'END'
#!/usr/bin/env python3
import encodings, grp, locale, os, pwd, socket, sqlite3, ssl, time, zoneinfo
assert pwd.getpwuid(os.getuid()).pw_dir == "/home" and grp.getgrgid(os.getgid()).gr_name == "app"
assert socket.gethostbyname("localhost") == "127.0.0.1" and socket.getservbyname("https") == 443
assert locale.setlocale(locale.LC_ALL, "C.UTF-8") == "C.UTF-8"
assert len(ssl.create_default_context().get_ca_certs()) > 50
assert zoneinfo.ZoneInfo("UTC").utcoffset(None) is not None or True
assert sqlite3.connect(":memory:").execute("select 42").fetchone() == (42,)
assert not os.path.exists("/etc/shadow") and not os.path.exists("/root")
print("all there")
END
chmod +x surroundings.py
check "accounts, names, locale, authorities and modules are there" says "all there" ./surroundings.py
"$tobichi" build --quiet --user 4000:4001 -o user.tobi -- ./surroundings.py
check "for another user too" same "$("$tobichi" run user.tobi 2>&1)" "all there"
check "character sets are there" same "$("$tobichi" run -- iconv -t UTF-16BE /etc/hostname | od -An -tx1 -N4)" " 00 65 00 6e"
printf '#!/bin/sh\necho "greetings $1"\n' >greet
chmod +x greet
check "a script by a relative path" says "greetings x" ./greet x
ln -s /bin/busybox echo
check "a link whose name matters" says "from busybox" ./echo from busybox
cp /bin/busybox .
chmod 6755 busybox
check "set-user-id bits are dropped" says 755 ./busybox stat -c %a "/opt$work/busybox"
# a library that only a run path, and one that only the loader's cache finds
mkdir -p app/bin app/lib
if command -v gcc >/dev/null; then
	echo 'int answer(void) { return 42; }' | gcc -shared -fPIC -xc - -o app/lib/libanswer.so
	printf '%s\n' 'int puts(const char *s); int answer(void);' \
		'int main(void) { return puts(answer() == 42 ? "42" : "no") < 0; }' |
		gcc -xc - -o app/bin/answer -Lapp/lib -lanswer -Wl,-rpath,'$ORIGIN/../lib' -Wl,--enable-new-dtags
	check "a library by \$ORIGIN" says 42 "$work/app/bin/answer"
	rm app/lib/libanswer.so
	check "a library that is missing" refuses "libanswer.so, which this host does not have" build -o none.tobi -- app/bin/answer
fi

# ---- the same input gives the same bytes ----
mkdir -p one/root/d two
for name in b a c; do echo "$name" >one/root/d/$name; done
printf '#!/d/a\n' >one/root/start
chmod 700 one/root/start
ln -s d/a one/root/link
ln one/root/d/a one/root/d/hard
mkdir -m 1777 one/root/shared
(cd one && "$tobichi" build --quiet --root root -o image.tobi -- /start)
# the entries in another order, other times, modes that mean the same, attributes
mkdir -p two/root
for name in shared link start d; do cp -a one/root/$name two/root/; done
rm -r two/root/d && mkdir two/root/d
for name in hard c b a; do echo "$name" >two/root/d/$name; done
echo a >two/root/d/hard
find two/root -exec touch -h -d '1999-01-01' {} +
chmod 600 two/root/d/c
chmod 4711 two/root/start
/usr/bin/python3 -c 'import os; os.setxattr("two/root/d/a", "user.note", b"x")' 2>/dev/null
(cd two && umask 077 && TZ=Asia/Tokyo LANG=tr_TR.UTF-8 LC_ALL=POSIX SOURCE_DATE_EPOCH=77 \
	"$tobichi" build --quiet --root root -o image.tobi -- /start)
check "in another folder, order, time, mode, zone, language" cmp one/image.tobi two/image.tobi
sleep 1.1
for program in busybox python3; do
	"$tobichi" build --quiet -o one/program.tobi -- $program x
	(cd two && umask 0 && TMPDIR=/dev/shm "$tobichi" build --quiet -o program.tobi -- $program x)
	check "$program twice" cmp one/program.tobi two/program.tobi
done
echo changed >two/root/d/b
(cd two && "$tobichi" build --quiet --root root -o image.tobi -- /start)
check "other content gives other bytes" exits 1 cmp -s one/image.tobi two/image.tobi

# ---- root folders that are not what they seem ----
cp /bin/busybox one/root/busybox
mkdir victim
ln -s "$work/victim" one/root/run2
ln -s ../../../../../../../../../etc one/root/up
ln -s /etc/passwd one/root/passwd
mkfifo one/root/pipe
mknod one/root/null c 1 3
check "pipes and devices are left out" exits 0 "$tobichi" build --tier soft --root one/root -o odd.tobi -- \
	/busybox sh -c 'ls -d /pipe /null 2>/dev/null; cat /passwd /up/shadow 2>/dev/null; echo end'
check "and build says so" has "$said" "2 sockets, devices or pipes were left out"
check "links lead to nothing of the host" same "$("$tobichi" run odd.tobi 2>&1)" end
ln -s "$work/victim" one/root/var
"$tobichi" build --quiet --root one/root -o odd2.tobi -- /busybox true 2>/dev/null
check "a link cannot make a build write to the host" same "$(ls -A victim)" ""
rm one/root/var
truncate -s 20G one/root/sparse && check "20 GiB of nothing" refuses "more than 16 GiB" \
	"$tobichi" build --root one/root -o none.tobi -- /busybox
rm -f one/root/sparse
check "the host's root" refuses "cannot be the root" "$tobichi" build --root / -o none.tobi -- /bin/sh
check "a program that is not in the root folder" refuses "/bin/sh is not in the root folder" \
	"$tobichi" build --root one/root -o none.tobi -- /bin/sh
check "a name instead of a path in a root folder" refuses "absolute path" "$tobichi" build --root one/root -o none.tobi -- busybox

# ---- wrong ways to build ----
printf 'just text\n' >text
chmod +x text
/usr/bin/python3 -c '
b = bytearray(open("/bin/busybox", "rb").read()); open("short", "wb").write(b[:4000][:50])
b[18] = 183; b[19] = 0; open("arm", "wb").write(b)'
chmod +x short arm
check "nothing to pack" exits 2 "$tobichi" build
check "a program that is not here" refuses "there is no program nowhere" build -o none.tobi -- nowhere
check "a file beside, without its path" refuses "./greet" build -o none.tobi -- greet
check "a folder as program" refuses "is a folder" build -o none.tobi -- /etc
check "a text" refuses "neither a program nor a script" build -o none.tobi -- ./text
check "a program for another machine" refuses "for another kind of machine" build -o none.tobi -- ./arm
check "a program that is cut off" refuses "cut off" build -o none.tobi -- ./short
check "a file to add that is not here" refuses "cannot find /no/such" build -o none.tobi --add /no/such -- busybox
check "a root folder that is not here" refuses "cannot find /no/such" "$tobichi" build --root /no/such -o none.tobi -- /x
check "a file as root folder" refuses "not a folder" "$tobichi" build --root text -o none.tobi -- /x
check "a folder as output" refuses "is a folder" build -o "$work" -- busybox
check "a device as output" refuses "not a file" build -o /dev/null -- busybox
check "it is still one" test -c /dev/null
check "an output folder that is not here" refuses "cannot make a file in /no/such" build -o /no/such/x.tobi -- busybox
check "a policy where none can be" refuses "/no/such" build -o none.tobi --policy /no/such/p.yaml -- busybox
check "a half result is none" test ! -e none.tobi
check "a key that is not here" refuses "/no/such.key" build -o none.tobi --key /no/such.key -- busybox
check "a temporary folder that is not here" exits 2 env TMPDIR=/no/such "$tobichi" build -o none.tobi -- busybox
check "it names TMPDIR" has "$said" TMPDIR
for wrong in "--port 0" "--port 65536" "--port x" "--user root" "--user 0:0" "--user 65534" "--memory 1M" "--memory x" \
	"--cpus 0" "--processes 0" "--files 3" "--writable /" "--writable tmp" "--secret ../x" "--directory home" \
	"--svn 65536" "--product -1" "--name Up" "--env A" "--env 1=2" "--tier tdx" "--add x:y" "--env HOME=1 --env HOME=2" \
	"--port 5 --port 5" "--writable /tmp --writable /tmp"; do
	# shellcheck disable=SC2086
	check "$wrong" refuses "" "$tobichi" build -o none.tobi $wrong -- busybox
done
many=$(i=0; while [ $i -lt 65 ]; do printf ' --add /etc/hostname'; i=$((i + 1)); done)
# shellcheck disable=SC2086
check "more --add than are taken" refuses "or that many" build -o none.tobi $many -- busybox
echo old >kept.tobi
check "a failed build" exits 2 build -o kept.tobi --add /no/such -- busybox
check "leaves the older image" same "$(cat kept.tobi)" old
check "a build over an older image" build --quiet -o kept.tobi -- busybox
check "replaces it" "$tobichi" inspect kept.tobi >/dev/null
in_namespace() { unshare -m sh -c "$1"; }
mkdir small
if in_namespace 'mount -t tmpfs -o size=1m none small' 2>/dev/null; then
	full() { in_namespace "mount -t tmpfs -o size=1m none small && $1; s=\$?; ls -A small >left; exit \$s"; }
	check "a full output folder" exits 2 full "'$tobichi' build -o small/x.tobi -- busybox"
	check "it is named" has "$said" "small/x.tobi: No space left"
	check "nothing is left there" same "$(cat left)" ""
	check "a full temporary folder" exits 2 full "TMPDIR=small '$tobichi' build -o none.tobi -- busybox"
	check "it says how to have another" has "$said" TMPDIR
	check "nothing is left there either" same "$(cat left)" ""
	mkfs=$(command -v mkfs.erofs || echo /usr/bin/mkfs.erofs)
	check "without mkfs.erofs" exits 2 in_namespace "mount --bind text '$mkfs' && chmod -x text && '$tobichi' build -o none.tobi -- busybox"
	check "it says what to install" has "$said" erofs-utils
fi
interrupt() { # SIGNAL: as it comes from a terminal, in the middle of the work
	/usr/bin/python3 - "$tobichi" "$1" <<'END'
import os, signal, subprocess, sys, time
signal.signal(int(sys.argv[2]), signal.SIG_DFL)  # nohup leaves it ignored, for good
p = subprocess.Popen([sys.argv[1], "build", "-o", "none.tobi", "--", "python3"], stderr=subprocess.PIPE)
while not any(os.path.exists(f"tmp/{f}/root/usr") for f in os.listdir("tmp")) and p.poll() is None:
    time.sleep(0.005)
p.send_signal(int(sys.argv[2]))
said = p.communicate()[1].decode()
sys.exit(0 if p.returncode == 2 and "interrupted" in said else f"status {p.returncode}: {said}")
END
}
for number in 1 2 15; do
	check "signal $number in the middle" interrupt $number
	check "leaves nothing" clean
	check "and no image" same "$(ls none* 2>/dev/null)" ""
done

# ---- notes for those who begin ----
check "a file named in the arguments" exits 0 build -o told.tobi -- busybox cat greet
check "that is not in the image" has "$said" "--add greet:/home/greet"
check "once it is added" exits 0 build -o told.tobi --add greet:/home/greet -- busybox cat greet
check "there is no note" hasnt "$said" note
check "and it is there" has "$("$tobichi" run told.tobi 2>&1)" 'echo "greetings'

# ---- the ready policy: that image, and nothing else, whatever the texts say ----
evidence() { # IMAGE
	id=$("$tobichi" run --detach "$1.tobi") &&
		"$tobichi" attest "$id" --nonce 0001020304050607 -o "$1.evidence" >/dev/null
	status=$?
	"$tobichi" stop --grace 0 "$id" >/dev/null
	return $status
}
verify() { "$tobichi" verify "$1.evidence" --policy "$2.policy.yaml" --nonce 0001020304050607; }
evil='x
tiers: [soft, vm]
images: []
# "'"'"': { [ & * ! | > %'
check "texts that are YAML" build --quiet -o evil.tobi --name null --env "A=x: [1] # y" -- busybox sleep 100
# A text with a line break is no text of a manifest.
check "arguments with line breaks" refuses "arguments" build -o none.tobi -- busybox echo "$evil"
check "arguments that are YAML" build --quiet -o hostile.tobi -- busybox sh -c 'sleep 100; : "tiers: [soft]" # '"'"'a: {b'
check "another image" build --quiet -o plain.tobi -- busybox sleep 100
for image in evil hostile plain; do check "evidence of $image" evidence $image; done
for image in evil hostile plain; do
	for policy in evil hostile plain; do
		if [ $image = $policy ]; then expected=0; else expected=1; fi
		check "$image under the policy of $policy" exits $expected verify $image $policy
		[ $expected = 0 ] || check "for its id" has "$said" "FAIL  POLICY-IMAGE"
	done
done
check "the policy explains itself" test "$(grep -c '^# ' plain.policy.yaml)" -ge 4
check "no argument is in it" hasnt "$(cat hostile.policy.yaml)" sleep
check "hardware unless asked otherwise" "$tobichi" build --quiet -o plain.tobi -- busybox sleep 100
check "refuses this host" exits 1 verify plain plain
check "for its tier" has "$said" "FAIL  POLICY-TIER"
check "a debug image" build --quiet --debug -o debug.tobi -- busybox sleep 100
check "evidence of it" evidence debug
check "is refused by its own policy" exits 1 verify debug debug
sed -i 's/^# allow: /allow: /' debug.policy.yaml
check "until the policy says otherwise" exits 0 verify debug debug
check "nothing is left of all this" clean
exit $failed
