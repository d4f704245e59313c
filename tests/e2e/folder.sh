#!/bin/sh
# `tobichi verify` of a mixed folder of a thousand pieces: quotes of TDX guests, documents of
# AWS Nitro, some of them spoilt, folders with a guest's log, and files that are no evidence.
# All are made here, under roots of the test's.
# Usage: folder.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/lib.sh"
mkdir tdx nitro
"$1/tests/tools/tdx" "$work/tdx" >/dev/null 2>&1 || { echo "FAILED: no quote"; exit 1; }
"$1/tests/tools/nitro" "$work/nitro" >/dev/null 2>&1 || { echo "FAILED: no document"; exit 1; }
time=$(cat tdx/time)
image() { sed -n 's/^images: \["*\([0-9a-f]*\)"*\]$/\1/p' "$1/policy.yaml"; }
roots() { sed '1,/^roots:/d' "$1/policy.yaml" | sed "s/^$2//"; }
{
	echo "version: 1"
	echo "tiers: [tdx, nitro]"
	echo "images: [$(image tdx), $(image nitro)]"
	echo "allow: [no-nonce, user-launch]"
	echo "identity:"
	echo "  mode: any-instance"
	echo "roots:"
	roots tdx ""
	roots nitro "  "
} >policy.yaml
verify() { "$tobichi" verify --policy policy.yaml --at "$time" "$@"; }
check "the policy takes both kinds" exits 0 verify nitro/document
check "and a quote alone" exits 0 verify tdx/quote --collateral tdx/collateral

# ---- a thousand ----
mkdir mixed
cp tdx/collateral/* mixed/
base64 tdx/quote >mixed/quote.base64
head -c 1000 tdx/quote >mixed/cut
{ head -c 700 tdx/quote; printf x; tail -c +702 tdx/quote; } >mixed/changed
echo "nothing to see" >mixed/notes.txt
: >mixed/nothing
cp policy.yaml mixed/policy.yaml
for number in $(seq -w 1 400); do
	cp tdx/quote "mixed/quote.$number"
	cp nitro/document "mixed/document.$number"
done
for number in $(seq -w 1 200); do
	mkdir "mixed/guest.$number"
	cp tdx/quote tdx/log tdx/table "mixed/guest.$number"
done
head -c -1 tdx/log >mixed/guest.200/log
check "some are refused, and some are none" exits 2 verify mixed --policy mixed/policy.yaml
rows=$(printf '%s\n' "$said" | sed '1d;/^$/,$d')
counted() { printf '%s\n' "$rows" | grep -c "$1"; }
check "a line for each" same "$(printf '%s\n' "$rows" | wc -l)" 1005
check "the quotes are accepted" same "$(counted '^quote\.[0-9]* *tdx-quote *tdx *accepted')" 400
check "in text as well" same "$(counted '^quote\.base64 *tdx-quote *tdx *accepted')" 1
check "the documents, too" same "$(counted '^document\.[0-9]* *nitro-doc *nitro *accepted')" 400
check "and the guests with their logs" same "$(counted '^guest\.[0-9]*/quote *tdx-quote *tdx *accepted')" 199
check "one whose log was cut is not" same \
	"$(counted '^guest\.200/quote *tdx-quote *tdx *refused *TDX-EVENT-LOG')" 1
check "nor one that was changed" same "$(counted '^changed *tdx-quote *tdx *refused *DCAP-')" 1
check "what is cut cannot be read" same "$(counted '^cut *- *- *unreadable  ')" 1
check "and notes are no evidence" same "$(counted '^notes.txt *- *- *unreadable *neither evidence')" 1
check "nor is an empty file" same "$(counted '^nothing *- *- *unreadable')" 1
check "the policy is none of them" same "$(counted '^policy')" 0
check "the lines stand as the files do" same \
	"$(printf '%s\n' "$rows" | cut -d' ' -f1 | sed -n '/^[^/]*$/p' | LC_ALL=C sort -c 2>&1)" ""
check "a summary" has "$said" "1000 accepted, 2 refused, 3 unreadable, in "
hidden=$(printf '%s' "$said" | tr -d '\r')
check "and no progress but on a terminal" same "$hidden" "$said"

# ---- on a terminal ----
on_terminal() { script -qec "'$tobichi' verify mixed --policy policy.yaml --at $time" /dev/null </dev/null; }
if command -v script >/dev/null; then
	on_terminal >shown
	check "progress is shown on a terminal" has "$(tr '\r' '\n' <shown | grep ' not accepted ')" " of 1"
	check "and the table after it" has "$(cat shown)" "1000 accepted, 2 refused, "
else
	echo "- on a terminal: script is missing"
fi

# ---- for programs ----
rm mixed/policy.yaml
verify mixed --json >lines
check "one object a line" same "$(wc -l <lines)" 1006
check "with what failed" has "$(grep '"mixed/guest.200/quote"' lines)" '"failed":["TDX-EVENT-LOG"'
check "the last one counts" has "$(tail -1 lines)" '{"summary":{"accepted":1000,"refused":2,"unreadable":3,'

# ---- exit status ----
rm mixed/cut mixed/notes.txt mixed/nothing
check "refused, and all could be read" exits 1 verify mixed
rm -r mixed/guest.200 mixed/changed
check "accepted all of them" exits 0 verify mixed
check "into a file" exits 0 verify mixed -o table
check "which has the table" has "$(tail -1 table)" "1000 accepted, 0 refused"
check "several files" exits 0 verify mixed/quote.001 mixed/document.001 --collateral tdx/collateral
check "two lines" has "$said" "2 accepted"
check "an empty folder is an error" exits 2 sh -c 'mkdir empty; exec "$@"' - "$tobichi" verify empty \
	--policy policy.yaml
check "says so" has "$said" "there is no file"
check "what belongs to one is not for many" exits 2 verify mixed --with tdx/log
check "and how to do it" has "$said" "put both into a folder"
check "a page is of one" exits 2 verify mixed --html

# ---- a folder that is one piece ----
check "a folder with one piece has what belongs to it" exits 0 sh -c \
	'cp tdx/collateral/* mixed/guest.001; exec "$@"' - "$tobichi" verify mixed/guest.001 --policy policy.yaml \
	--at "$time"
check "one line" has "$said" "1 accepted, 0 refused, 0 unreadable"

mkdir deep
(cd deep && for _ in $(seq 17); do mkdir d && cd d; done)
check "a folder that is too deep is an error" exits 2 verify deep
check "and says so" has "$said" "more than 16 folders deep"
ln -s . mixed/loop
check "a link to a folder is not followed" exits 0 verify mixed
rm mixed/loop

# ---- a signal ----
rm -f table
"$tobichi" verify mixed --policy policy.yaml --at "$time" -o table 2>/dev/null &
pid=$!
sleep 0.05
kill -INT $pid 2>/dev/null
wait $pid
status=$?
whole() { # stopped, and nothing is there; or done before that, and all of it is
	if [ $status -gt 128 ]; then [ ! -e table ]; else has "$(tail -1 table)" "1000 accepted"; fi
}
check "a signal leaves all or nothing" whole
exit $failed
