#!/bin/sh
# Secrets over attested TLS: a broker that is real, and a confidential VM whose devices are
# played, from the owner's policy to the secret. Usage: broker_attested.sh BUILD_FOLDER
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/broker_lib.sh"
machine=$1/tests/tools/attest-machine
export TOBICHI_TEST_FOLDER="$work"
umask 077
trap 'stop_broker KILL; clean_up' EXIT
ports=$(free_ports 2)
port=$(echo "$ports" | head -1) attested=$(echo "$ports" | tail -1)
export TOBICHI_BROKER="https://127.0.0.1:$port"
check "a broker is made" exits 0 "$tobichi" broker init broker --host "127.0.0.1:$port" --listen "127.0.0.1:$port"
printf 'attested:\n  listen: ["127.0.0.1:%s"]\n' "$attested" >>broker/broker.yaml
serve() {
	"$tobichi" broker serve --config broker/broker.yaml 2>>broker.log &
	serving=$!
}
operator() { "$tobichi" owner "$@" --key broker/operator.key --tls-ca broker/tls.pem; }
alice() { "$tobichi" secret "$@" --key alice.key --tls-ca broker/tls.pem; }
# What is played puts its policy and its maker's documents here.
TOBICHI_TEST_MACHINE=tsm-tdx "$machine" attest --platform auto --output any.evidence >/dev/null
printf 'collateral: ["%s"]\n' "$work/collateral" >>broker/broker.yaml
serve
check "it answers" eventually operator whoami
for name in alice other; do "$tobichi" keygen -o $name --type p256 >/dev/null; done
check "an owner" exits 0 operator add alice --owner-key alice.pub --repository red
printf 'the s3cret' >value
check "a secret" exits 0 alice put red/key/db value --releases 2
openssl x509 -in broker/tls.pem -pubkey -noout >tls.pub

# ---- the machine ----
fetch() { # NAME OPTION...
	name=$1
	shift
	TOBICHI_TEST_MACHINE=tsm-tdx "$machine" secret fetch "$name" --broker "127.0.0.1:$attested" "$@"
}
entries() { # what the owner's log has, that is new
	"$tobichi" log follow --entries --once --key alice.key --tls-ca broker/tls.pem --state log.state 2>&1
}
check "without a policy it is given to nobody" exits 1 fetch red/key/db --broker-key tls.pub --output got
check "nothing is written" test ! -e got
check "a secret that there is not is the same to whoever asks" exits 1 fetch red/key/none --broker-key tls.pub --output got
check "in the same words" has "$said" "it does not release red/key/none to this machine"
check "its policy" exits 0 alice put-policy red/key policy.yaml
check "the machine gets it" exits 0 fetch red/key/db --broker-key tls.pub --output got
check "as it is" same "$(cat got)" "the s3cret"
check "for its owner alone" same "$(stat -c %a got)" 600
rm got
sed 's/^images: .*/images: ["'"$(printf '%096d' 0)"'"]/' policy.yaml >changed.yaml
entries >/dev/null
check "the owner wants another image now" exits 0 alice put-policy red/key changed.yaml
check "it is given no more" exits 1 fetch red/key/db --broker-key tls.pub --output got
check "nothing is written" test ! -e got
check "and what to do is said" has "$said" "tobichi log follow --entries"
check "the log has which check it was" has "$(entries)" "failed     POLICY-IMAGE"
check "back to the first" exits 0 alice put-policy red/key policy.yaml
hash=$(openssl pkey -pubin -in tls.pub -outform DER | openssl dgst -sha384 -r | cut -c1-96)
check "the key by its hash, onto standard output" same "$(fetch red/key/db --broker-key "$hash" --output - 2>/dev/null)" "the s3cret"
check "both releases are used up" exits 1 fetch red/key/db --broker-key "$hash" --output got

# ---- the broker is another one ----
check "another key" exits 1 fetch red/key/db --broker-key other.pub --output got
check "is told" has "$said" "another key than --broker-key says"
check "an enclave is asked for, and it is none" exits 1 fetch red/key/db --broker-policy policy.yaml --output got
check "nobody in particular" exits 2 fetch red/key/db --output got
check "is no broker" has "$said" "--broker-key, --broker-policy or --ca"
check "the usual listener" exits 2 env TOBICHI_TEST_MACHINE=tsm-tdx "$machine" secret fetch red/key/db \
	--broker "127.0.0.1:$port" --broker-key tls.pub --output got
check "without a device" exits 2 env TOBICHI_TEST_MACHINE=none "$machine" secret fetch red/key/db \
	--broker "127.0.0.1:$attested" --broker-key tls.pub --output got
check "a path that is none" exits 2 fetch red/key/../db --broker-key tls.pub --output got
check "a version that there is not" exits 1 fetch red/key/db --version 9 --broker-key tls.pub --output got

# ---- without evidence ----
check "nobody comes by usual TLS" exits 1 sh -c \
	"printf 'GET /v1/secret/red/key/db HTTP/1.1\r\nHost: a\r\n\r\n' | timeout 10 openssl s_client -quiet -connect 127.0.0.1:$attested 2>/dev/null | grep -q HTTP"
check "nor is it told by usual TLS" same "$(curl -s -o /dev/null -w '%{http_code}' --cacert broker/tls.pem "$TOBICHI_BROKER/v1/secret/red/key/db")" 403

# ---- another key from now on ----
"$tobichi" keygen -o next --type p256 >/dev/null
openssl req -x509 -key next.key -subj /CN=next -days 2 -out next.pem 2>/dev/null
sed -i 's|^attested:|&\n  certificate: '"$work/next.pem"'\n  key: '"$work/next.key|" broker/broker.yaml
stop_broker TERM
serve
check "it answers again" eventually operator whoami
check "a second secret" exits 0 alice put red/key/more value
entries >/dev/null
check "by the new key" exits 0 fetch red/key/more --broker-key next.pub --output got
check "no more by the old one" exits 1 fetch red/key/more --broker-key tls.pub --output other.got
mv other.key next.key
openssl req -x509 -key next.key -subj /CN=other -days 2 -out next.pem 2>/dev/null
kill -HUP "$serving"
check "the files are read again" eventually fetch red/key/more --broker-key other.pub --output got
stop_broker TERM
check "nothing of the secret is in the broker's log" same "$(grep -c s3cret broker.log)" 0
exit $failed
