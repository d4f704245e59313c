#!/bin/sh
# Secrets over the attested channel: what gets in, what is refused, where they lie, what stays.
# Usage: secrets.sh BUILD_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
. "$(dirname "$0")/lib.sh"
umask 077
build() { name=$1; shift; "$tobichi" build --tier soft -o "$name.tobi" "$@" >/dev/null; }
send() { timeout -s KILL 60 "$tobichi" send "127.0.0.1:$port" "$@"; }
printf 'the-first-secret-%s' "$$" >first
printf 'the-second-secret-%s' "$$" >second
head -c 1048577 /dev/zero >large
look='cd /run/secrets; stat -c "%n %a %u:%g" *; cat first second; grep " /run/secrets " /proc/mounts; touch /run/secrets/mine 2>/dev/null && echo written; echo done; exec sleep 1000'
build declared --port 8000 --secret first --secret second -- /bin/busybox sh -c "$look"
port=$(free_port)
id=$("$tobichi" run -d --publish "$port:8000" declared.tobi)
state() { "$tobichi" ps | grep "^$id" | grep -q "$1"; }
logged() { "$tobichi" logs "$id" | grep -q '^done$'; }
policy=declared.policy.yaml
check "it waits" state "waiting for secrets"
check "a policy that refuses it: nothing is sent" exits 1 sh -c 'sed "s/^\( *- \)[0-9a-f]\{96\}/\1$(printf 00%.0s $(seq 48))/; s/^images: \[.*/images: ['"$(printf 'ab%.0s' $(seq 48))"']/" '$policy' >other.yaml; '"$tobichi send 127.0.0.1:$port --policy other.yaml first=first"
check "it still waits" state "waiting for secrets"
check "a name that the image does not declare" exits 1 send --policy $policy other=first
check "and it is named" has "$said" "secret other: the image does not allow this name"
chmod 644 first
check "a file that others can read is not sent" exits 2 send --policy $policy first=first
check "and it says so" has "$said" first
chmod 600 first
check "a secret that is too large" exits 2 send --policy $policy first=large
check "a file that is not there" exits 2 send --policy $policy first=absent
check "one secret" exits 0 send --policy $policy first=first
check "is not enough for the start" state "waiting for secrets"
check "a second time by that name" exits 1 send --policy $policy first=second
check "is refused" has "$said" "there is one by this name already"
check "the other, from standard input" exits 0 sh -c "$(printf 'cat second | timeout -s KILL 60 %s send 127.0.0.1:%s --policy %s second=-' "$tobichi" "$port" "$policy")"
check "starts the program" eventually logged
state_running() { state running; }
check "it runs" eventually state_running
out=$("$tobichi" logs "$id")
check "it has both" has "$out" "$(cat first)$(cat second)"
check "they are the program's user's, and it can only read them" has "$out" "first 400 1000:1000
second 400 1000:1000"
check "in memory" has "$out" "tmpfs /run/secrets tmpfs"
check "it cannot add one" hasnt "$out" written
check "a name more, now that it runs" exits 1 send --policy $policy third=first
check "nothing of them is on the host's disk" same "$(grep -r -l -F -e "$(cat first)" -e "$(cat second)" run state 2>/dev/null)" ""
agent=$("$tobichi" ps --json | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["pid"])')
check "nor in the service's log" hasnt "$(cat run/service.log)" the-first
"$tobichi" stop --grace 0 "$id" >/dev/null
check "gone at stop" test ! -e "/proc/$agent"

# an image that declares none takes any, but not for ever
build open --port 8000 -- /bin/busybox sleep 1000
port=$(free_port)
id=$("$tobichi" run -d --publish "$port:8000" open.tobi)
check "any valid name" exits 0 send --policy open.policy.yaml some.name=first other=second
check "not a hidden one" exits 1 send --policy open.policy.yaml .hidden=first
check "not a path" exits 1 send --policy open.policy.yaml a/b=first
head -c 1048576 /dev/zero >whole
set --
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do set -- "$@" "n$n=whole"; done
check "16 MiB in all are too much with what is there" exits 1 send --policy open.policy.yaml "$@"
check "and it says so" has "$said" "secret n16: it is too large"
"$tobichi" stop --grace 0 "$id" >/dev/null

# an owner
"$tobichi" keygen -o owner >/dev/null
"$tobichi" keygen -o other >/dev/null
port=$(free_port)
id=$("$tobichi" run -d --owner owner.pub --publish "$port:8000" declared.tobi 2>added)
check "the ready policy does not know of an owner" exits 1 send --policy $policy first=first
check "but run prints the id to put there" grep -qE 'config-id: [0-9a-f]{96}$' added
sed "s/^config-id: .*/$(grep -oE 'config-id: [0-9a-f]{96}' added)/" $policy >owned.yaml
policy=owned.yaml
check "without the owner's key" exits 1 send --policy $policy first=first
check "it says which is needed" has "$said" "not the owner's"
check "with another key" exits 1 send --policy $policy --key other.key first=first
check "it still waits" state "waiting for secrets"
check "with the owner's" exits 0 send --policy $policy --key owner.key first=first second=second
check "it starts" eventually logged
"$tobichi" stop --grace 0 "$id" >/dev/null
exit $failed
