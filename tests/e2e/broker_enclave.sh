#!/bin/sh
# The secrets that an image declares come from a broker, over attested TLS: to this image and
# launch, from this broker. Else its program does not start, and the log says why.
# Usage: broker_enclave.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
umask 077
program=$1/daemons/broker/tobichi-broker
ports=$(free_ports 3)
set -- $ports
admin=$1 port=$2 public=$3
export TOBICHI_BROKER="http://127.0.0.1:$admin"
broker=
start() {
	"$program" --config b/broker.yaml >>broker.log 2>&1 &
	broker=$!
	eventually grep -q '"ready"' broker.log || { cat broker.log; echo "FAILED: the broker does not start"; exit 1; }
}
end() {
	kill "$broker" 2>/dev/null
	wait "$broker" 2>/dev/null
	broker=
	: >broker.log
}
trap '[ -z "$broker" ] || end; clean_up' EXIT
run() { timeout -s KILL 60 "$tobichi" run "$@"; }
"$tobichi" broker init b --plain --listen "127.0.0.1:$admin" --host "127.0.0.1:$admin" --name https://kbs.example >init.log 2>&1 ||
	{ cat init.log; echo "FAILED: a broker"; exit 1; }
for key in attested other; do "$tobichi" keygen -o $key --type p256 >/dev/null; done
"$tobichi" keygen -o alice >/dev/null
openssl req -x509 -key attested.key -subj /CN=broker -days 30 -out attested.pem 2>/dev/null
cp attested.key attested.pem b/
printf "attested:\n  listen:\n    - '127.0.0.1:%s'\n  certificate: attested.pem\n  key: attested.key\n" "$port" >>b/broker.yaml
openssl pkey -in b/token.key -pubout -out log.pub
start
"$tobichi" owner add alice --owner-key alice.pub --repository shop --key b/operator.key >/dev/null

# An image that declares two secrets, and a launch that names their place.
place="--broker 127.0.0.1:$port --broker-secrets shop/keys"
pinned="$place --broker-key attested.pub"
config=$("$tobichi" run --print-config-id $pinned)
check "the config id is known before there is an image" test ${#config} = 96
check "a key is the same as its certificate" same "$("$tobichi" run --print-config-id $place --broker-key attested.pem)" "$config"
look='cd /run/secrets; echo started; stat -c "%n %a %u" *; sha256sum * | cut -c1-64'
build() { name=$1; shift; "$tobichi" build --tier soft -o "$name.tobi" --config-id "$config" "$@" >/dev/null; }
build shop --secret db --secret model --port 8000 -- /bin/busybox sh -c "$look; if nc -w 1 127.0.0.1 $port </dev/null; then echo reached; fi"
build changed --secret db --secret model -- /bin/busybox sh -c "$look; true"
printf 'the-password-%s' $$ >db
head -c 1048576 /dev/urandom >model # as large as a secret may be
for secret in db model; do
	check "a secret: $secret" exits 0 "$tobichi" secret put shop/keys/$secret $secret --policy shop.policy.yaml --key alice.key
done
hash() { sha256sum "$1" | cut -c1-64; }

check "its program runs" exits 0 run $pinned shop.tobi
check "with both secrets" has "$said" "$(hash db)
$(hash model)"
check "which it can read, and only its user" has "$said" "db 400 1000
model 400 1000"
check "it cannot reach the broker" hasnt "$said" reached
check "nothing of them is on the host's disk" same "$(grep -rlF "$(cat db)" run state b 2>/dev/null)" ""

# What is refused, and what the owner reads of it.
refused() { # WORDS OF THE LOG
	"$tobichi" log follow --once --state log --log-key log.pub --entries --key alice.key >entries 2>&1
	tail -40 entries | grep -q "$1" || { tail -40 entries; return 1; }
}
check "a changed image gets nothing" exits 2 run $pinned changed.tobi
check "and its program does not start" hasnt "$said" started
check "whoever launched it is told what to do" has "$said" "tobichi log follow --entries"
check "the log says which check failed" refused "^failed     POLICY-IMAGE"
check "another launch gets nothing" exits 2 run $pinned --env A=1 shop.tobi
check "and its program does not start" hasnt "$said" started
check "the log says which check failed" refused "^failed     POLICY-CONFIG"
check "a secret less" exits 0 "$tobichi" secret delete shop/keys/model --key alice.key
check "is not enough for the start" exits 2 run $pinned shop.tobi
check "nothing runs" hasnt "$said" started
check "the missing one is named" has "$said" "shop/keys/model"
check "it is put again" exits 0 "$tobichi" secret put shop/keys/model model --policy shop.policy.yaml --key alice.key
check "another key than the broker's" exits 2 run $place --broker-key other.pub shop.tobi
check "is not the broker" has "$said" "another key than the launch config pins"
check "the broker's other port" exits 124 timeout 3 "$tobichi" run --broker "127.0.0.1:$admin" --broker-secrets shop/keys --broker-key attested.pub shop.tobi
check "gives nothing" hasnt "$said" started
check "without attested TLS nobody is told a secret" same \
	"$(/usr/bin/python3 -c 'import http.client, sys
c = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1])); c.request("GET", "/v1/secret/shop/keys/db"); print(c.getresponse().status)' "$admin")" 403

# A broker that comes later; meanwhile nobody takes its place.
end
id=$("$tobichi" run -d --publish "$public:8000" $pinned shop.tobi)
state() { "$tobichi" ps | grep "^$id" | grep -q "$1"; }
check "without a broker it waits" state "waiting for secrets"
check "the service's log says for whom" eventually grep -q "event=note id=$id .*127.0.0.1:$port" run/service.log
check "nobody else's secret is taken" exits 1 timeout -s KILL 60 "$tobichi" send "127.0.0.1:$public" --policy shop.policy.yaml db=db
check "it still waits" state "waiting for secrets"
start
check "then it starts, and ends as it should" eventually grep -q "event=ended id=$id status=0" run/service.log

# What a launch must say.
check "a broker that nobody has to recognise" exits 2 run $place shop.tobi
check "is no broker" has "$said" "--broker-key or --broker-policy"
check "a key without a broker" exits 2 run --broker-key attested.pub shop.tobi
check "a place that is none" exits 2 run --broker "127.0.0.1:$port" --broker-key attested.pub --broker-secrets shop shop.tobi
build none -- /bin/busybox true
check "an image that declares none" exits 2 run $pinned none.tobi
check "is told so" has "$said" "declares no secrets"
# Counters that the broker keeps, for the agent's own command.
kept="--broker 127.0.0.1:$port --broker-counters shop/count --broker-key attested.pub"
config=$("$tobichi" run --print-config-id $kept)
build counting -- /bin/busybox sh -c '/run/tobichi/tobichi counter --quiet increment state; /run/tobichi/tobichi counter --quiet read state'
check "without a policy there is no counter" exits 1 run $kept counting.tobi
check "which is said" has "$said" "the broker does not give shop/count/state to this enclave"
check "its policy" exits 0 "$tobichi" secret put-policy shop/count counting.policy.yaml --key alice.key
check "one more, and the same again" same "$(run $kept counting.tobi 2>/dev/null)" "1
1"
rm -f state/counters
check "this host's files do not turn it back" same "$(run $kept counting.tobi 2>/dev/null)" "2
2"
config=$("$tobichi" run --print-config-id $kept --env B=1)
build another -- /bin/busybox sh -c '/run/tobichi/tobichi counter --quiet increment state; true'
check "another image may, too" exits 0 "$tobichi" secret put-policy shop/count another.policy.yaml --key alice.key
check "but not move what is the first one's" exits 0 run $kept --env B=1 another.tobi
check "it is told so" has "$said" "the broker does not give shop/count/state"
check "its owner sees it" has "$("$tobichi" secret list-counters --key alice.key)" "shop/count/state"
end
check "without the broker there is none" exits 2 timeout -s KILL 100 "$tobichi" run $kept counting.tobi
start
check "counters without a broker" exits 2 run --broker-counters shop/count counting.tobi
check "nothing secret is in the broker's log" hasnt "$(cat broker.log run/service.log)" "$(cat db)"
exit $failed
