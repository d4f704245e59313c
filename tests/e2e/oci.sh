#!/bin/sh
# Container images: every form gives the same image; layers become what they mean; an
# unchanged Debian root with nginx, and one with python3, run and are fetched through the
# attested channel; hostile images end in one line, and nothing is left behind.
# Usage: oci.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
mkdir tmp
export TMPDIR="$work/tmp"
build() { "$tobichi" build --tier soft "$@"; }
clean() { same "$(ls tmp)" ""; }
make() { /usr/bin/python3 "$here/oci_image.py" "$@"; }
refuses() { # TEXT COMMAND...: exit status 2, one line that has the text, nothing left
	text=$1
	shift
	exits 2 "$@" && has "$said" "$text" && same "$(echo "$said" | wc -l)" 1 && clean
}

# ---- one image, seven forms ----
cat >small.json <<'END'
{"layers": [
  [["folder", "bin", "", 493], ["host", "bin/busybox", "/bin/busybox", 3565], ["hard", "bin/sh", "bin/busybox"],
   ["link", "bin/ls", "busybox"], ["file", "etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:7:8::/app:/bin/sh\n"],
   ["file", "gone", "x"], ["file", "old/a", "x"], ["file", "old/b", "x"], ["folder", "change", "", 493],
   ["file", "change/in", "x"], ["char", "dev/null", "", 438], ["file", "caf\u00e9/\u00fc", "name"],
   ["file", "capable", "x", 493, {"SCHILY.xattr.security.capability": "\u0001"}]],
  ["gzip", [["file", ".wh.gone", ""], ["file", "old/.wh..wh..opq", ""], ["file", "old/c", "new"],
            ["file", "change", "a file now"], ["hard", "busybox2", "bin/busybox"]]],
  ["zstd", [["link", "var/run", "/run"], ["file", "run/made", "through a link"], ["file", "app/show",
    "#!/bin/sh\necho \"$A $B $(id -u):$(id -g) $HOME $PWD $*\"\n", 493]]]],
 "config": {"Entrypoint": ["./show"], "Cmd": ["one", "two words"], "Env": ["A=a", "B=b", "PATH=/bin"], "User": "app",
  "WorkingDir": "/app/", "ExposedPorts": {"8080/tcp": {}, "53/udp": {}}, "Volumes": {"/data": {}},
  "StopSignal": "SIGQUIT", "Labels": {"x": "y"}}}
END
make layout small <small.json
for form in archive docker docker-old podman; do make $form small-$form.tar <small.json; done
gzip -k small-docker-old.tar
zstd -q small-podman.tar -o small-podman.tar.zst
check "a layout is built" exits 0 build small -o small.tobi
layout_said=$said
for form in archive.tar docker.tar docker-old.tar podman.tar docker-old.tar.gz podman.tar.zst; do
	check "$form is built" exits 0 build small-$form -o other.tobi
	check "and is the same image" cmp small.tobi other.tobi
done
for note in "set-user-id" "capabilities of 1 file" "53/udp" "SIGQUIT" "1 sockets, devices or pipes"; do
	check "it says: $note" has "$layout_said" "$note"
done
check "two commands: it runs" same "$("$tobichi" run small.tobi 2>&1)" "a b 7:8 /app /app one two words"
cp small-podman.tar elsewhere.tar
(mkdir two && cd two && umask 077 && TZ=Asia/Tokyo LANG=C.UTF-8 LC_ALL=C.UTF-8 TMPDIR=/dev/shm \
	"$tobichi" build --tier soft --quiet --oci ../elsewhere.tar -o small.tobi)
check "in another folder, umask, zone, language: the same bytes" cmp small.tobi two/small.tobi
shown=$("$tobichi" inspect small.tobi)
check "the port is in the manifest" has "$shown" "ports        8080"
check "the volume is writable" has "$shown" "writable     /data /run /tmp"
check "nothing is left" clean

# ---- what the layers have become ----
inside() { # COMMAND...: in the image, by busybox
	build --quiet --user 1000 --entrypoint /bin/busybox small -o inside.tobi -- "$@" && "$tobichi" run inside.tobi 2>&1
}
check "whiteouts, opaque folders, changes of kind" same "$(inside sh -c 'ls -d /gone /old/* /change 2>/dev/null; cat /change /old/c')" \
	"/change
/old/c
a file nownew"
check "hard links over layers" same "$(inside sh -c 'ls -i /bin/busybox /bin/sh /busybox2 | cut -d/ -f1 | uniq | wc -l')" 1
check "rights are dropped" same "$(inside stat -c %a /bin/busybox)" 755
check "a link of an earlier layer leads inside" same "$(inside cat /run/made)" "through a link"
check "names are bytes" same "$(inside cat /café/ü)" name
check "localhost has its name" has "$(inside cat /etc/hosts)" localhost
check "the volume can be written" same "$(inside sh -c 'echo x >/data/x && cat /data/x')" x
check "the rest cannot" has "$(inside sh -c 'echo x >/app/x')" "Read-only"

# ---- the command line over the configuration ----
check "arguments after -- replace the command" exits 0 build --quiet small -o o.tobi -- three
check "and keep the entry point" same "$("$tobichi" run o.tobi 2>&1)" "a b 7:8 /app /app three"
check "options" exits 0 build --quiet --env A=mine --env HOME=/tmp --port 9 --memory 64M --user 5:6 --directory /old \
	--entrypoint /app/show small -o o.tobi
check "are in the manifest" same "$("$tobichi" run o.tobi 2>&1)" "mine b 5:6 /tmp /old "
check "a port more" has "$("$tobichi" inspect o.tobi)" "ports        9 8080"
check "memory" has "$("$tobichi" inspect o.tobi)" "64 MiB memory"
check "a file more" exits 0 build --quiet --add /etc/hostname:/added small -o o.tobi --entrypoint /bin/busybox -- cat /added
check "is there" same "$("$tobichi" run o.tobi 2>&1)" "$(cat /etc/hostname)"
check "signed" sh -c "'$tobichi' keygen -o publisher && '$tobichi' build --quiet --key publisher.key small -o o.tobi"
check "its signer is named" hasnt "$("$tobichi" inspect o.tobi)" "signer id    none"

# ---- which image ----
/usr/bin/python3 - <<'END'
import json
spec = json.load(open("small.json"))
other = {"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "sha256:" + 64 * "0", "size": 1}
json.dump(dict(spec, before=[dict(other, platform={"os": "linux", "architecture": "s390x"})]), open("multi.json", "w"))
json.dump(dict(spec, before=[dict(other, annotations={"org.opencontainers.image.ref.name": "v0"})]), open("many.json", "w"))
json.dump(dict(spec, more={"architecture": "arm64"}), open("arm.json", "w"))
END
make layout multi <multi.json
check "of several machines: this one's" build --quiet multi -o other.tobi
check "is that image" cmp small.tobi other.tobi
make archive many.tar <many.json
check "of several names" refuses "choose with --ref from: v0, latest" build many.tar -o none.tobi
check "by name" build --quiet --ref latest many.tar -o other.tobi
check "is that image" cmp small.tobi other.tobi
check "by its whole name" build --quiet many.tar --ref localhost/test:latest -o other.tobi
check "by a name that is not there" refuses "no v9 in it" build --ref v9 many.tar -o none.tobi
check "one whose blob is not there" refuses "no file blobs/sha256/000" build --ref v0 many.tar -o none.tobi
check "another name in podman's form" refuses "localhost/test:latest" build --ref v9 small-podman.tar -o none.tobi
make archive arm.tar <arm.json
check "for another machine" refuses "the image is for linux/arm64, not for linux/amd64" build arm.tar -o none.tobi
check "asked for, with a program of this one" refuses "for another kind of machine; the image is for aarch64" \
	build --platform linux/arm64 arm.tar -o none.tobi --entrypoint /bin/busybox

# ---- hostile, damaged and odd ----
change() { # BLOB WHAT: the small image, with that of it changed
	/usr/bin/python3 -c 'import json, sys
spec = json.load(open("small.json"))
spec["changes"] = [[sys.argv[1], json.loads(sys.argv[2])]]
json.dump(spec, sys.stdout)' "$@" >changed.json
	rm -rf changed changed.tar
	make layout changed <changed.json
	make archive changed.tar <changed.json
}
for blob in config manifest 0 1 2; do
	change $blob '"byte"'
	for image in changed changed.tar; do
		check "$image: a byte of $blob" refuses "digest" build $image -o none.tobi
	done
	change $blob '"size"'
	check "one byte more of $blob" refuses "size" build changed -o none.tobi
	change $blob '"absent"'
	check "without $blob" refuses "it has no file blobs/sha256/" build changed.tar -o none.tobi
done
change 0 '{"urls": ["https://example.com/layer"]}'
check "a layer from elsewhere" refuses "layers[0].urls" build changed -o none.tobi
change 1 '{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"}'
check "an encrypted layer" refuses "decrypt the image first" build changed -o none.tobi
change 1 '{"digest": "sha256:../../../../etc/passwd"}'
check "a digest that is a path" refuses "layers[1].digest" build changed -o none.tobi
entries() { # ENTRIES: an image of one layer more
	/usr/bin/python3 -c 'import json, sys
spec = json.load(open("small.json"))
spec["layers"].append(json.loads(sys.argv[1]))
json.dump(spec, sys.stdout)' "$1" >entries.json
	rm -rf hostile
	make layout hostile <entries.json
}
mkdir victim
for evil in '["file", "../../../../../../../../../../../../..'"$work"'/victim/x", "x"]' '["file", "a/../../x", "x"]' \
	'["hard", "h", "../../../../../../../../../../etc/passwd"]'; do
	entries "[$evil]"
	check "$evil" refuses "leads out of the image" build hostile -o none.tobi
	check "says where" has "$said" "layer 3: entry 0 at byte 0"
done
entries '[["link", "way", "'"$work"'/victim"], ["file", "way/x", "x"]]'
check "through a link to the host" refuses "link to nowhere" build hostile -o none.tobi
entries '[["link", "way", "/proc/self/cwd"], ["folder", "way", "", 493], ["file", "way/.wh..wh..opq", ""], ["link", "run", "'"$work"'/victim"]]'
check "a link in the place of /run" exits 2 build --quiet hostile -o none.tobi
check "nothing of the host was touched" same "$(ls -A victim)" ""
entries '[["hard", "h", "nowhere"]]'
check "a hard link to nothing" refuses "not there" build hostile -o none.tobi
entries '[["file", "x/.wh...", ""]]'
check "a whiteout of .." refuses "whiteout" build hostile -o none.tobi
entries '[["file", "'"$(printf 'n/%.0s' $(seq 600))"'x", "x"]]'
check "a path that is too long" refuses "more than 1024 bytes" build hostile -o none.tobi
truncate -s 20G sparse && tar --sparse -cf sparse.tar sparse && rm sparse
/usr/bin/python3 -c 'import json
spec = json.load(open("small.json")); spec["layers"].append("sparse.tar"); json.dump(spec, open("sparse.json", "w"))'
make layout hostile <sparse.json
check "20 GiB of nothing" refuses "more than 16 GiB" build hostile -o none.tobi
truncate -s 20M sparse && tar --sparse -cf sparse.tar sparse && rm -rf sparse hostile
make layout hostile <sparse.json
check "20 MiB of nothing" build --quiet hostile -o o.tobi --entrypoint /bin/busybox -- wc -c /sparse
check "are there" same "$("$tobichi" run o.tobi 2>&1)" "20971520 /sparse"
head -c $(($(wc -c <small-archive.tar) / 2)) small-archive.tar >cut.tar
check "an archive that is cut" exits 2 build cut.tar -o none.tobi
check "an empty folder" refuses "neither oci-layout nor manifest.json" build victim -o none.tobi
check "a file that is no archive" refuses "container image" build --oci small.json -o none.tobi
check "nothing" refuses "/no/such" build --oci /no/such -o none.tobi
check "a root folder and an image" refuses "exclude each other" build --root victim --oci small -o none.tobi
check "--ref without an image" refuses "for a container image" build --ref x -o none.tobi -- busybox
check "another platform" refuses "does not allow" build --platform windows/amd64 small -o none.tobi
check "no half result" same "$(ls none* 2>/dev/null)" ""

# ---- images of other tools ----
if command -v skopeo >/dev/null; then
	sed 's/"zstd"/"gzip"/' small.json | make layout plain # docker's form takes no zstd
	skopeo copy -q oci:plain:latest docker-archive:skopeo-docker.tar:localhost/small:1 &&
		skopeo copy -q oci:small:latest oci-archive:skopeo-oci.tar:small
	for image in skopeo-docker.tar skopeo-oci.tar; do
		check "$image" build --quiet $image -o other.tobi
		check "is that image" cmp small.tobi other.tobi
	done
else
	echo "skipped: no skopeo"
fi
if command -v umoci >/dev/null; then
	mkdir -p rest && umoci init --layout umoci && umoci new --image umoci:x && umoci unpack --image umoci:x rest/b >/dev/null &&
		mkdir -p rest/b/rootfs/bin rest/b/rootfs/d && cp /bin/busybox rest/b/rootfs/bin/ && echo one >rest/b/rootfs/d/one &&
		umoci repack --image umoci:x --refresh-bundle rest/b >/dev/null && rm -r rest/b/rootfs/d && echo two >rest/b/rootfs/two &&
		umoci repack --image umoci:x rest/b >/dev/null && umoci config --image umoci:x --config.cmd /bin/busybox --config.cmd ls --config.cmd /
	check "umoci's layers" build --quiet --ref x umoci -o umoci.tobi
	check "with its whiteout" same "$("$tobichi" run umoci.tobi 2>&1 | grep -c -e '^d$' -e '^two$')" 1
else
	echo "skipped: no umoci"
fi

# ---- an unchanged Debian root, with nginx and with python3 ----
packages=nginx-light,python3
if command -v mmdebstrap >/dev/null && timeout 120 mmdebstrap --quiet --variant=essential --include=$packages bookworm root.tar 2>mm.log; then
	echo "root: mmdebstrap"
else
	echo "root: of the packages installed here ($(tail -1 mm.log 2>/dev/null))"
	make root root.tar base-files dash coreutils libc-bin nginx-light python3
fi
cat >nginx.json <<'END'
{"layers": [["gzip", "root.tar"],
  ["zstd", [["file", "var/www/html/.wh.index.nginx-debian.html", ""], ["file", "var/www/html/index.html", "from the enclave\n"]]]],
 "config": {"Cmd": ["nginx", "-g", "daemon off;"], "ExposedPorts": {"80/tcp": {}}, "StopSignal": "SIGQUIT"}}
END
cat >python.json <<'END'
{"layers": [["gzip", "root.tar"],
  [["file", "app/serve.py", "import http.server, os, pwd\nclass H(http.server.BaseHTTPRequestHandler):\n    def do_GET(self):\n        open('/var/lib/app/count', 'a').write('x')\n        self.send_response(200)\n        self.end_headers()\n        self.wfile.write(f'{pwd.getpwuid(os.getuid()).pw_name} {os.getcwd()} {os.environ[\"GREETING\"]}'.encode())\nhttp.server.HTTPServer(('', int(os.environ['PORT'])), H).serve_forever()\n"],
   ["folder", "var/lib/app", "", 493]]],
 "config": {"Entrypoint": ["python3"], "Cmd": ["serve.py"], "Env": ["PORT=8000", "GREETING=good day", "PATH=/usr/bin:/bin"],
  "User": "www-data", "WorkingDir": "/app", "ExposedPorts": {"8000/tcp": {}}}}
END
fetch() { curl -sf "http://127.0.0.1:$local/"; }
answer() { # IMAGE INNER_PORT: starts it, fetches through the channel
	server_ports
	enclave=$("$tobichi" run --detach --publish "$port:$2" "$1.tobi" 2>run.log) || { cat run.log; return 1; }
	ready() { "$tobichi" connect "127.0.0.1:$port" --policy "$1.policy.yaml" --quiet; }
	eventually ready "$1"
	"$tobichi" connect "127.0.0.1:$port" --policy "$1.policy.yaml" --listen "127.0.0.1:$local" >/dev/null 2>&1 &
	client=$!
	eventually fetch
	answered=$(fetch)
	kill -INT $client
	wait $client
	[ -n "$answered" ] || "$tobichi" logs "$enclave"
	"$tobichi" stop --grace 0 "$enclave" >/dev/null
}
make podman nginx.tar <nginx.json
check "nginx, as podman saves it" build nginx.tar -o nginx.tobi
answer nginx 80
check "is fetched through the attested channel" same "$answered" "from the enclave"
make layout python <python.json
check "python3, as a layout" build python -o python.tobi
answer python 8000
check "is fetched too, as its user, in its folder" same "$answered" "www-data /app good day"
interrupt() { # SIGNAL: in the middle of the work
	/usr/bin/python3 - "$tobichi" "$1" <<'END'
import os, signal, subprocess, sys, time
signal.signal(int(sys.argv[2]), signal.SIG_DFL)
p = subprocess.Popen([sys.argv[1], "build", "nginx.tar", "-o", "none.tobi"], stderr=subprocess.PIPE)
while not any(os.path.exists(f"tmp/{f}/root/usr") for f in os.listdir("tmp")) and p.poll() is None:
    time.sleep(0.005)
p.send_signal(int(sys.argv[2]))
said = p.communicate()[1].decode()
sys.exit(0 if p.returncode == 2 and "interrupted" in said else f"status {p.returncode}: {said}")
END
}
for number in 2 15; do
	check "signal $number in the middle" interrupt $number
	check "leaves nothing" clean
	check "and no image" same "$(ls none* 2>/dev/null)" ""
done
exit $failed
