#!/bin/sh
# An enclave that speaks attested TLS and, because its launch says so, ra-tls: to curl, to
# OpenSSL and to `tobichi connect`. Nobody who asked for attested TLS gets the other.
# Usage: ratls.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
for tool in curl openssl; do
	command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 77; }
done
. "$(dirname "$0")/lib.sh"

cat >web.py <<'PROGRAM'
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"from inside " + self.path.encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 8000), Handler)
print("listening", flush=True)
server.serve_forever()
PROGRAM
set -- $(free_ports 2)
both=$1 only=$2
"$tobichi" build --tier soft --port 8000 --add "$work/web.py:/web.py" -o web.tobi -- \
	/usr/bin/python3 /web.py >/dev/null
one=$("$tobichi" run --detach --ra-tls --publish "$both:8000" web.tobi 2>said)
check "the launch names its config id" grep -q "in a policy: config-id: [0-9a-f]\{96\}" said
config=$(sed -n 's/.*config-id: //p' said)
two=$("$tobichi" run --detach --publish "$only:8000" web.tobi)
listens() { "$tobichi" logs "$1" | grep -q listening; }
check "the program listens" eventually listens "$one"
check "the other, too" eventually listens "$two"

# The ready policy is of a launch without additions; this launch has one.
sed "s/^config-id: .*/config-id: $config/" web.policy.yaml >atls.yaml
{ cat atls.yaml; echo "channel: ra-tls"; } >ratls.yaml
{ cat web.policy.yaml; echo "channel: ra-tls"; } >ratls-plain.yaml

# ---- clients of others ----
fetch() { curl -sk --max-time 20 "$@"; }
check "curl gets the program's answer" same "$(fetch "https://127.0.0.1:$both/one")" "from inside /one"
check "with HTTP/1.1 alone" same "$(fetch --http1.1 "https://127.0.0.1:$both/two")" "from inside /two"
check "without ALPN" same "$(fetch --no-alpn "https://127.0.0.1:$both/three")" "from inside /three"
check "not with TLS 1.2" exits 35 curl -sk --max-time 20 --tls-max 1.2 "https://127.0.0.1:$both/"
check "and an enclave that was not told to has no ear for it" exits 35 \
	curl -sk --max-time 20 "https://127.0.0.1:$only/"
talk() { # PORT OPTION...: what openssl says of a connection
	where=$1
	shift
	timeout 20 openssl s_client -connect "127.0.0.1:$where" "$@" </dev/null 2>&1
}
talk "$both" >shown
check "openssl sees TLS 1.3" grep -q "TLSv1.3" shown
openssl x509 -in shown -out cert.pem
openssl x509 -in cert.pem -outform DER -out cert.der
check "the certificate has CCC's extension" has "$(openssl x509 -in cert.pem -noout -text)" "2.23.133.5.4.9"
check "and no ticket comes" same "$(grep -c "New session ticket" shown)" 0
talk "$both" -alpn h2 >shown
check "h2 is agreed to, where it is all there is" grep -q "ALPN protocol: h2" shown
talk "$both" -alpn spdy/1 >shown
check "what nobody knows is not" grep -q "no application protocol" shown
talk "$both" -alpn tobichi-atls/1,http/1.1 >shown
check "who can do better has to" grep -q "ALPN protocol: tobichi-atls/1" shown
openssl x509 -in shown -out plain.pem
check "and sees no evidence before the exchange" hasnt "$(openssl x509 -in plain.pem -noout -text)" \
	"2.23.133.5.4.9"
talk "$both" -alpn http/1.1 -tls1_2 >shown
check "OpenSSL's TLS 1.2 is refused" grep -q "alert protocol version" shown

# ---- the certificate as a file ----
check "verify accepts it by the policy" exits 0 "$tobichi" verify cert.pem --policy ratls.yaml
check "and says what it lacks" has "$said" "WARNING   RA-TLS: no session binding, no freshness"
for code in RATLS-MODE RATLS-CERTIFICATE RATLS-EXTENSION RATLS-CLAIMS RATLS-KEY RATLS-KIND \
	RATLS-BINDING SOFT-SIGNATURE POLICY-IMAGE POLICY-CONFIG; do
	check "$code is ok" has "$said" "ok    $code "
done
check "no TPM's quote is in it" exits 2 "$tobichi" verify cert.pem --policy ratls.yaml --extract-tpm quote
check "that is said" has "$said" "not a certificate"
check "DER, too" exits 0 "$tobichi" verify cert.der --policy ratls.yaml
check "as JSON" exits 0 "$tobichi" verify cert.pem --policy ratls.yaml --json
check "with the same warning" has "$said" "no session binding, no freshness"
mkdir certificates && cp cert.der certificates/a && cp cert.pem certificates/b.pem && cp plain.pem certificates/c.pem
check "of a folder those with evidence are taken, DER and PEM" exits 0 "$tobichi" verify certificates --policy ratls.yaml
check "both" has "$said" "2 accepted"
check "a policy that does not name the channel refuses" exits 1 "$tobichi" verify cert.pem --policy atls.yaml
check "by that reason" has "$said" "RATLS-MODE"
check "a policy of a launch without ra-tls refuses" exits 1 "$tobichi" verify cert.pem \
	--policy ratls-plain.yaml
check "by the config id" has "$said" "POLICY-CONFIG"
check "in a year it is refused" exits 1 "$tobichi" verify cert.pem --policy ratls.yaml \
	--at "$(date -u -d "+1 year" +%Y-%m-%dT%H:%M:%SZ)"
check "by its time" has "$said" "FAIL  RATLS-CERTIFICATE"
"$tobichi" keygen --type p256 -o wrapper >/dev/null
awk '{print} /^roots:/ {print "  - tier: cmw\n    wrapper: required\n    anchors: |"
	while ((getline line < "wrapper.pub") > 0) print "      " line}' ratls.yaml >wrapped.yaml
check "where a signed wrapper is wanted, it is refused" exits 1 "$tobichi" verify cert.pem --policy wrapped.yaml
check "for that reason" has "$said" "FAIL  CMW-SIGNER"
check "an ordinary certificate has no evidence" exits 1 "$tobichi" verify plain.pem --policy ratls.yaml
check "and that is said" has "$said" "no extension with evidence"
check "with a nonce that it cannot have" exits 1 "$tobichi" verify cert.pem --policy ratls.yaml \
	--nonce 0001020304050607
check "the nonce is what fails" has "$said" "FAIL  RATLS-NONCE"
tail -c +2 cert.der >cut.der
check "a damaged file is an error" exits 2 "$tobichi" verify cut.der --policy ratls.yaml

# ---- connect ----
cat >ask.sh <<'END'
printf 'GET /%s HTTP/1.0\r\n\r\n' "$1"
cat >"answer.$1"
END
ask() { # NAME PORT POLICY
	timeout 20 "$tobichi" connect "127.0.0.1:$2" --policy "$3" -- sh ask.sh "$1"
}
check "connect by ra-tls accepts" exits 0 ask first "$both" ratls.yaml
check "and warns" has "$said" "warning: RA-TLS: no session binding, no freshness"
check "the answer is the program's" grep -q "from inside /first" answer.first
check "the same enclave by attested TLS" exits 0 ask second "$both" atls.yaml
check "without that warning" hasnt "$said" "session binding"
check "the answer is the program's, too" grep -q "from inside /second" answer.second
check "ra-tls with an enclave without it fails" exits 2 ask third "$only" ratls-plain.yaml
check "attested TLS with it does not" exits 0 ask fourth "$only" web.policy.yaml
check "who trusts a launch without ra-tls refuses this one" exits 1 ask fifth "$both" ratls-plain.yaml
check "no command ran" test ! -e answer.third -a ! -e answer.fifth

# A server with this certificate's looks, and another key: no more than a copy.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout mine.key -out mine.pem \
	-subj "/CN=Tobichi enclave" -days 2 2>/dev/null
port=$(free_port)
openssl s_server -accept "127.0.0.1:$port" -cert mine.pem -key mine.key -quiet >/dev/null 2>&1 &
server=$!
answers() { talk "$port" | grep -q "TLSv1.3"; }
check "another server is there" eventually answers
check "without evidence it is refused" exits 1 ask sixth "$port" ratls.yaml
check "by the extension" has "$said" "RATLS-EXTENSION"
check "and by who asked for attested TLS, as well" exits 2 ask seventh "$port" atls.yaml
kill "$server"
wait "$server" 2>/dev/null
check "nothing was said to it" test ! -e answer.sixth -a ! -e answer.seventh

# ---- secrets ----
echo hush >secret
chmod 600 secret
check "secrets do not go this way" exits 2 "$tobichi" send "127.0.0.1:$both" --policy ratls.yaml name=secret
check "and that is said" has "$said" "secrets among them, go by tobichi-atls/1 only"
"$tobichi" stop --grace 1 "$one" "$two" >/dev/null
exit $failed
