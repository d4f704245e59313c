#!/bin/sh
# Certificates and counters from a broker that is real, for a confidential VM whose devices are
# played: OpenSSL and curl take the certificates, as any organisation's TLS clients would.
# Usage: broker_certificate.sh BUILD_FOLDER
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/broker_lib.sh"
machine=$1/tests/tools/attest-machine
export TOBICHI_TEST_FOLDER="$work"
umask 077
web=
trap 'stop_broker KILL; [ -z "$web" ] || kill "$web" 2>/dev/null; clean_up' EXIT
ports=$(free_ports 3)
port=$(echo "$ports" | sed -n 1p) attested=$(echo "$ports" | sed -n 2p) tls=$(echo "$ports" | sed -n 3p)
export TOBICHI_BROKER="https://127.0.0.1:$port"
check "a broker is made" exits 0 "$tobichi" broker init broker --host "127.0.0.1:$port" --listen "127.0.0.1:$port"
printf 'attested:\n  listen: ["127.0.0.1:%s"]\n' "$attested" >>broker/broker.yaml
serve() {
	"$tobichi" broker serve --config broker/broker.yaml 2>>broker.log &
	serving=$!
}
operator() { "$tobichi" owner "$@" --key broker/operator.key --tls-ca broker/tls.pem; }
as() { # NAME COMMAND ARGUMENT...
	who=$1 what=$2
	shift 2
	"$tobichi" "$what" "$@" --key "$who.key" --tls-ca broker/tls.pem
}
TOBICHI_TEST_MACHINE=tsm-tdx "$machine" attest --platform auto --output any.evidence >/dev/null
printf 'collateral: ["%s"]\n' "$work/collateral" >>broker/broker.yaml
serve
check "it answers" eventually operator whoami
for name in alice bob; do "$tobichi" keygen -o $name --type p256 >/dev/null; done
check "an owner" exits 0 operator add alice --owner-key alice.pub --repository red
check "and another" exits 0 operator add bob --owner-key bob.pub --repository blue
openssl x509 -in broker/tls.pem -pubkey -noout >tls.pub
inside() { # COMMAND ARGUMENT...
	TOBICHI_TEST_MACHINE=tsm-tdx "$machine" "$@" --broker "127.0.0.1:$attested" --broker-key tls.pub
}
reasons() { as alice log follow --entries --once --state log.state 2>&1; }

# ---- the owner says what may be certified ----
openssl ecparam -name prime256v1 -genkey -noout -out web.key
csr() { # FILE NAMES SUBJECT
	openssl req -new -key web.key -subj "$3" -addext "subjectAltName=$2" -out "$1"
}
csr web.csr DNS:web.example,IP:127.0.0.1 /
request() { inside certificate request red/tls/web --csr "$1" -o got.pem; }
check "without a policy nothing is signed" exits 1 request web.csr
check "a policy alone" exits 0 as alice secret put-policy red policy.yaml
check "does not sign either" exits 1 request web.csr
reasons >/dev/null
check "nothing is written" test ! -e got.pem
echo '{"names": ["web.example", "127.0.0.1"], "lifetime": 3600}' >profile.json
check "a profile is put" exits 0 as alice certificate put-profile red/tls profile.json
check "not into another's repository" exits 1 as bob certificate put-profile red/tls profile.json
echo '{"names": ["web.example"], "lifetime": 999999}' >long.json
check "nor for longer than a week" exits 2 as alice certificate put-profile red/tls long.json
check "it is listed" has "$(as alice certificate list-profiles)" "red/tls: web.example 127.0.0.1"
check "not to others" hasnt "$(as bob certificate list-profiles)" "web.example"
check "the CA's certificate" exits 0 as alice certificate ca -o ca.pem
check "by a broker that is nowhere there is none" exits 2 "$tobichi" certificate ca --key alice.key --broker https://127.0.0.1:1
check "is a CA's" has "$(openssl x509 -in ca.pem -noout -text)" "CA:TRUE, pathlen:0"
check "another owner has another" test "$(as bob certificate ca)" != "$(cat ca.pem)"

# ---- the machine gets one ----
check "it is signed" exits 0 request web.csr
check "OpenSSL verifies it" exits 0 openssl verify -CAfile ca.pem -purpose sslserver -verify_hostname web.example got.pem
check "for its address, too" exits 0 openssl verify -CAfile ca.pem -verify_ip 127.0.0.1 got.pem
check "for no other name" exits 2 openssl verify -CAfile ca.pem -verify_hostname evil.example got.pem
check "for no client" exits 2 openssl verify -CAfile ca.pem -purpose sslclient got.pem
check "for an hour" exits 0 openssl x509 -in got.pem -noout -checkend 3500
check "and no longer" exits 1 openssl x509 -in got.pem -noout -checkend 3700
check "it is its key's" same "$(openssl x509 -in got.pem -noout -pubkey)" "$(openssl pkey -in web.key -pubout)"
check "the verdict is in it" has "$(openssl x509 -in got.pem -noout -text)" "1.3.6.1.5.5.7.1.35"
serial=$(openssl x509 -in got.pem -noout -serial | cut -d= -f2 | tr A-F a-f)
hash=$(openssl x509 -in got.pem -outform DER | openssl dgst -sha256 -r | cut -c1-64)
entries=$(reasons)
check "the log has its serial" has "$entries" "$serial"
check "and its hash" has "$entries" "$hash"

# ---- ordinary TLS clients ----
openssl s_server -accept "127.0.0.1:$tls" -cert got.pem -key web.key -www >/dev/null 2>&1 &
web=$!
get() { curl -s -o /dev/null --cacert "$1" "https://127.0.0.1:$tls/"; }
check "curl takes it" eventually get ca.pem
check "by its name, too" exits 0 curl -s -o /dev/null --cacert ca.pem --resolve "web.example:$tls:127.0.0.1" \
	"https://web.example:$tls/"
as bob certificate ca -o other.pem
check "not by another CA" exits 60 get other.pem
kill "$web"
web=

# ---- what is refused ----
rm got.pem
csr evil.csr DNS:evil.example /
check "another name" exits 1 request evil.csr
check "the log says which" has "$(reasons)" "evil.example"
csr wild.csr 'DNS:*.example.org' /
check "a wildcard" exits 1 request wild.csr
openssl req -new -key web.key -subj /CN=web.example -out cn.csr
check "a common name alone" exits 2 request cn.csr
csr trick.csr DNS:web.example /CN=evil.example
check "a common name that is not among the names" exits 2 request trick.csr
openssl req -new -key web.key -subj / -addext subjectAltName=DNS:web.example -addext basicConstraints=CA:TRUE -out ca.csr
check "a CA" exits 2 request ca.csr
openssl req -new -newkey rsa:2048 -nodes -keyout weak.key -subj / -addext subjectAltName=DNS:web.example -out weak.csr 2>/dev/null
check "a weak key" exits 2 request weak.csr
head -c 200 web.csr >cut.csr
check "half of one" exits 2 request cut.csr
check "nobody else's repository" exits 1 inside certificate request blue/tls/web --csr web.csr
check "nothing is written" test ! -e got.pem
check "nobody comes by usual TLS" same "$(curl -s -o /dev/null -w '%{http_code}' --cacert broker/tls.pem \
	--data-binary @web.csr "$TOBICHI_BROKER/v1/certificate/red/tls/web")" 403

# ---- under another CA ----
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout root.key -subj '/CN=house root' -days 30 \
	-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign -out root.pem 2>/dev/null
check "a request for it" exits 0 as alice certificate ca --request -o enclaves.csr
printf 'basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\nsubjectKeyIdentifier=hash\n' >ca.ext
openssl x509 -req -in enclaves.csr -CA root.pem -CAkey root.key -CAcreateserial -days 20 -extfile ca.ext \
	-out enclaves.pem 2>/dev/null
check "another's certificate is not taken" exits 2 as alice certificate import-ca root.pem
cat enclaves.pem root.pem >chain.pem
check "what it has signed is" exits 0 as alice certificate import-ca chain.pem
check "one more" exits 0 request web.csr
check "it comes with the CA between" same "$(grep -c BEGIN got.pem)" 2
check "OpenSSL verifies it by the root" exits 0 openssl verify -CAfile root.pem -untrusted got.pem \
	-verify_hostname web.example got.pem
check "a new CA" exits 0 as alice certificate new-ca
check "signs one" exits 0 request web.csr
check "which the old root does not know" exits 2 openssl verify -CAfile root.pem -untrusted got.pem got.pem
check "the profile is deleted" exits 0 as alice certificate delete-profile red/tls
check "and nothing is signed any more" exits 1 request web.csr

# ---- counters ----
counter() { inside secret counter "$1" "$2" 2>/dev/null; }
check "a counter begins at 0" same "$(counter read red/counter/volume)" 0
check "goes up" same "$(counter increment red/counter/volume)" 1
check "again" same "$(counter increment red/counter/volume)" 2
stop_broker KILL
serve
check "the broker was killed, and is there again" eventually operator whoami
check "it stands" same "$(counter read red/counter/volume)" 2
check "another's is denied" exits 1 inside secret counter increment blue/counter/volume
check "nor is one without a policy there" has "$said" "does not give the counter"
check "of the signer it is not" exits 1 inside secret counter read red/counter/volume --to signer
check "the owner sees it" has "$(as alice secret list-counters)" "red/counter/volume"
check "and not another's" hasnt "$(as bob secret list-counters)" "red/counter/volume"
check "who may not delete it" exits 1 as bob secret delete-counter red/counter/volume
check "the owner may" exits 0 as alice secret delete-counter red/counter/volume
check "it begins anew" same "$(counter read red/counter/volume)" 0
check "the log has each" has "$(reasons)" "increment"
stop_broker TERM
exit $failed
