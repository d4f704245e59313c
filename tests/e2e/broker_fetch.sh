#!/bin/sh
# Secrets over attested TLS: a machine that proves what it is by its TPM (a software one)
# fetches them from a running broker, and from nobody else. Usage: broker_fetch.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpm_lib.sh"
relay=$1/tests/tools/relay
for tool in swtpm swtpm_setup tpm2_createprimary curl openssl; do
	command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
serving='' other=''
# shellcheck disable=SC2329
leave() {
	for each in $serving $other; do kill -KILL "$each" 2>/dev/null; wait "$each" 2>/dev/null; done
	tpm_stop one
	clean_up
}
trap leave EXIT

# ---- a broker, with a listener of attested TLS ----
set -- $(free_ports 3)
port=$1 attested=$2 metrics=$3
export TOBICHI_BROKER="https://127.0.0.1:$port"
check "a broker is made" exits 0 "$tobichi" broker init broker --host "127.0.0.1:$port" \
	--listen "127.0.0.1:$port" --metrics "127.0.0.1:$metrics"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca -days 3 \
	-addext keyUsage=critical,keyCertSign 2>/dev/null
certificate() { # NAME
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" 2>/dev/null
	printf 'subjectAltName=IP:127.0.0.1,DNS:broker.example\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n' >ext
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out "$1.pem" 2>/dev/null
}
certificate direct
mv direct.key direct.pem broker
pin() { # CERTIFICATE
	openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | sha384sum | cut -d' ' -f1
}
printf "attested:\n  listen: ['127.0.0.1:%s']\n  certificate: direct.pem\n  key: direct.key\n" "$attested" >>broker/broker.yaml
serve() {
	"$tobichi" broker serve --config broker/broker.yaml 2>>broker.log &
	serving=$!
}
operator() { "$tobichi" owner "$@" --key broker/operator.key --tls-ca broker/tls.pem; }
alice() { "$tobichi" secret "$@" --key alice.key --tls-ca broker/tls.pem; }
serve
check "it answers its operator" eventually operator whoami
"$tobichi" keygen -o alice >/dev/null
check "an owner is added" exits 0 operator add alice --owner-key alice.pub --repository red
printf 'the first s3cret' >value
chmod 600 value
check "a secret is put" exits 0 alice put red/key/db value

# ---- a machine with a TPM ----
tpm_make one certificates
tpm_start one
device=swtpm:path=$work/one/socket
export TPM2TOOLS_TCTI="$device"
tpm2_pcrextend 8:sha256=1111111111111111111111111111111111111111111111111111111111111111
tpm2_createprimary -C e -G ecc256:ecdsa-sha256:null -c ak.context \
	-a "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign" >/dev/null
tpm2_readpublic -c ak.context -f pem -o ak.pem >/dev/null
tpm2_flushcontext -t
pcr8() { tpm2_pcrread sha256:8 | sed -n 's/.*: 0x//p' | tr A-F a-f; }
policy() { # PCR-8
	printf 'version: 1\ntiers: [tpm]\nidentity:\n  mode: any-instance\nroots:\n  - tier: tpm\n    anchors: |\n'
	sed 's/^/      /' ak.pem
	printf 'tpm:\n  pcrs:\n    - index: 8\n      value: "%s"\n' "$1"
}
policy "$(pcr8)" >tpm.yaml
fetch() { # NAME OPTION...
	wanted=$1
	shift
	"$tobichi" secret fetch "$wanted" --broker "127.0.0.1:$attested" --platform tpm --device "$device" "$@"
}
counted() { curl -s "http://127.0.0.1:$metrics/metrics" | sed -n "s/^tobichi_broker_$1 //p"; }
log() { # INDEX: what the owner sees of it
	rm -f entry.proof
	"$tobichi" log prove "$1" --broker "$TOBICHI_BROKER" --key alice.key --tls-ca broker/tls.pem -o entry.proof
}
key=$(pin broker/direct.pem)
check "its key is in its log, to be pinned" has "$(cat broker.log)" "\"event\":\"attested\",\"key\":\"$key\""

# ---- what no policy releases ----
check "without a policy it is given to nobody" exits 1 fetch red/key/db --broker-key "$key" --output got
check "it is said where to look" has "$said" "log follow --entries, entry"
check "nothing is written" test ! -e got
check "what is not there is denied alike" exits 1 fetch red/key/none --broker-key "$key" --output got
check "the policy is put" exits 0 alice put-policy red/key/db tpm.yaml

# ---- what it is given ----
check "by the broker's key it is fetched" exits 0 fetch red/key/db --broker-key "$key" --output got
check "byte by byte" cmp got value
check "nobody else may read it" same "$(stat -c %a got)" 600
check "it is said which it is" has "$said" "version 1: 16 bytes in got"
check "by a file with the key" exits 0 fetch red/key/db --broker-key broker/direct.pem --output got
check "by a CA and the address" exits 0 fetch red/key/db --ca ca.pem --output got
check "by a CA and a name" exits 0 fetch red/key/db --ca ca.pem --name broker.example --output got
check "through a pipe" same "$(fetch red/key/db --broker-key "$key" --output -)" "the first s3cret"
check "as JSON without the secret" exits 0 fetch red/key/db --broker-key "$key" --output got --json
check "which it says" same "$(echo "$said" | jq -r '.version,.size,.broker_key' | tr '\n' ' ')" "1 16 $key "
check "and its place in the log" exits 0 test "$(echo "$said" | jq .log_index)" -gt 3
printf 'the second s3cret' >second
chmod 600 second
check "it is rotated" exits 0 alice rotate red/key/db second --grace 600
check "the new version is given" exits 0 fetch red/key/db --broker-key "$key" --output got
check "which it is" cmp got second
check "the old one, too" exits 0 fetch red/key/db --version 1 --broker-key "$key" --output got
check "as it was" cmp got value
check "one that is not there" exits 1 fetch red/key/db --version 3 --broker-key "$key" --output got

# ---- who is not the broker ----
open=$(counted 'attested_sessions_total{result="open"}')
requests=$(counted 'requests_total{route="secret",code="2xx"}')
"$tobichi" keygen -o stranger --type p256 >/dev/null
rm -f got
check "another key's is not the broker" exits 1 fetch red/key/db --broker-key stranger.pub --output got
check "that is said" has "$said" "it has another key than --broker-key says; is it the broker? It was told nothing"
check "nor one without that CA" exits 1 fetch red/key/db --ca broker/tls.pem --output got
check "that is said, too" has "$said" "it has no certificate by --ca"
check "nor another name" exits 1 fetch red/key/db --ca ca.pem --name other.example --output got
check "both must hold" exits 1 fetch red/key/db --ca ca.pem --broker-key stranger.pub --output got
check "a broker that attests nothing is none by policy" exits 1 fetch red/key/db --broker-policy tpm.yaml --output got
check "nothing was written" test ! -e got
check "no session was opened" same "$(counted 'attested_sessions_total{result="open"}')" "$open"
check "nothing was asked" same "$(counted 'requests_total{route="secret",code="2xx"}')" "$requests"
check "each try was counted" exits 0 test "$(counted 'attested_sessions_total{result="failed"}')" -ge 4

# ---- somebody between, who ends the session and begins one of his own ----
"$relay" relay "$attested" >relay.log 2>&1 &
other=$!
eventually grep -q '[0-9]' relay.log
between=$(sed -n '1s/[^0-9]*\([0-9]*\).*/\1/p' relay.log)
check "a relay is not the broker" exits 1 "$tobichi" secret fetch red/key/db --broker "127.0.0.1:$between" \
	--platform tpm --device "$device" --broker-key "$key" --output got
check "and hears nothing" test ! -e got
kill $other 2>/dev/null
wait $other 2>/dev/null
other=

# ---- what is asked wrongly ----
check "no broker is named" exits 2 "$tobichi" secret fetch red/key/db --broker-key "$key" --output got
check "nor who it is" exits 2 fetch red/key/db --output got
check "which is said" has "$said" "is not the broker for that"
check "nor where to" exits 2 fetch red/key/db --broker-key "$key"
check "an address that is a URL" exits 2 "$tobichi" secret fetch red/key/db --broker "$TOBICHI_BROKER" --broker-key "$key" --output got
check "a key that is none" exits 2 fetch red/key/db --broker-key "$(echo "$key" | cut -c3-)" --output got
check "a name that is none" exits 2 fetch red/key --broker-key "$key" --output got
check "the secret and JSON at once" exits 2 fetch red/key/db --broker-key "$key" --output - --json
check "a version of 0" exits 2 fetch red/key/db --version 0 --broker-key "$key" --output got
check "an attester that is none" exits 2 "$tobichi" secret fetch red/key/db --broker "127.0.0.1:$attested" \
	--platform nonsense --broker-key "$key" --output got
check "a device that is not there" exits 2 "$tobichi" secret fetch red/key/db --broker "127.0.0.1:$attested" \
	--platform tpm --device "swtpm:path=$work/no/socket" --broker-key "$key" --output got
check "no terminal is shown a secret" has \
	"$(script -qec "'$tobichi' secret fetch red/key/db --broker 127.0.0.1:$attested --broker-key $key --output -" /dev/null 2>&1)" \
	"not shown on a terminal"
check "the usual listener is another" exits 2 "$tobichi" secret fetch red/key/db --broker "127.0.0.1:$port" \
	--platform tpm --device "$device" --broker-key "$key" --output got

# ---- other listeners, other routes ----
check "over plain TLS there is none" same "$(curl -s -o answer -w '%{http_code}' --cacert broker/tls.pem "$TOBICHI_BROKER/v1/secret/red/key/db")" 403
check "as is said" has "$(cat answer)" "over attested TLS only"
check "a plain TLS client gets no session" exits 35 curl -sk "https://127.0.0.1:$attested/healthz"

# ---- another machine, and what the log has ----
tpm2_pcrextend 8:sha256=2222222222222222222222222222222222222222222222222222222222222222
check "what has started since is not what the policy means" exits 1 fetch red/key/db --broker-key "$key" --output got
entry=$(echo "$said" | sed -n 's/.*entry \([0-9]*\).*/\1/p')
check "the log has that entry" exits 0 log "$entry"
check "and the check" has "$said" "POLICY-PCRS"
check "by this channel" has "$said" "atls"
policy "$(pcr8)" >tpm.yaml
sed 's/any-instance/ca/; s/mode: ca/mode: ca\n  name: x.example\n  ca: |/' tpm.yaml >ca.yaml
sed '/^  ca: |/r /dev/stdin' ca.yaml >ca2.yaml <<-END
	$(sed 's/^/    /' ca.pem)
END
if alice put-policy red/key/db ca2.yaml >/dev/null 2>&1; then
	check "a policy that asks who has a certificate is not met" exits 1 fetch red/key/db --broker-key "$key" --output got
	check "the log has it" exits 0 log "$(echo "$said" | sed -n 's/.*entry \([0-9]*\).*/\1/p')"
	check "and the check" has "$said" "IDENTITY"
else
	check "a policy by CA is put" false
fi
check "the policy follows" exits 0 alice put-policy red/key/db tpm.yaml
check "and it is given again" exits 0 fetch red/key/db --broker-key "$key" --output got

# ---- another certificate, by SIGHUP ----
certificate second
cp second.key broker/direct.key
cp second.pem broker/direct.pem
kill -HUP $serving
check "it has the new one" eventually fetch red/key/db --broker-key "$(pin second.pem)" --output got
check "and not the old one" exits 1 fetch red/key/db --broker-key "$key" --output got
openssl genrsa -out broker/direct.key 2048 2>/dev/null
openssl req -x509 -key broker/direct.key -subj /CN=x -days 1 -out broker/direct.pem 2>/dev/null
kill -HUP $serving
check "a key of RSA is refused" eventually grep -q "reload-failed.*neither P-256" broker.log
check "and the one before stays" exits 0 fetch red/key/db --broker-key "$(pin second.pem)" --output got
check "no secret is in its log" sh -c '! grep -q s3cret broker.log'
[ $failed = 0 ] || tail -30 broker.log
exit $failed
