#!/bin/sh
# Our hash tree, read by veritysetup: it accepts ours and refuses one with a changed bit.
# Usage: verity.sh HASHTREE_PROGRAM
set -u
PATH=$PATH:/usr/sbin:/sbin
command -v veritysetup >/dev/null || { echo "skipped: needs veritysetup (cryptsetup-bin)"; exit 77; }
program=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0
verify() {
	veritysetup verify --no-superblock --hash sha256 --data-block-size 4096 --hash-block-size 4096 \
		--data-blocks "$1" --salt - data tree "$root" >said 2>&1
}
for blocks in 1 2 127 128 129 257 16384 16385; do
	openssl enc -aes-128-ctr -K 00112233445566778899aabbccddeeff -iv 00000000000000000000000000000000 \
		-in /dev/zero 2>/dev/null | head -c $((blocks * 4096)) >data
	root=$("$program" data tree) || { echo "FAILED: $blocks blocks are not hashed"; failed=1; continue; }
	# A tree of one block is empty, and veritysetup wants a file that is not.
	[ -s tree ] || head -c 4096 /dev/zero >tree
	if verify $blocks; then echo "ok: $blocks blocks"; else
		echo "FAILED: $blocks blocks: $(cat said)"
		failed=1
	fi
	printf '\377' | dd of=data bs=1 seek=$((blocks * 4096 - 1)) conv=notrunc 2>/dev/null
	if verify $blocks; then
		echo "FAILED: $blocks blocks, the last byte changed, and it is accepted"
		failed=1
	fi
done
exit $failed
