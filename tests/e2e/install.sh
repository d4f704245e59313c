#!/bin/sh
# What `make install` puts down works there: programs, library, headers, pages, completion.
# Usage: install.sh BUILD_FOLDER SOURCE_FOLDER
set -u
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
build=$1 source=$2
. "$(dirname "$0")/lib.sh"
check "install" env DESTDIR="$work/dest" meson install -C "$build" --no-rebuild --quiet
prefix=$(dirname "$(dirname "$(find dest -path '*/bin/tobichi')")")
tobichi="$work/$prefix/bin/tobichi"
check "the installed program runs an enclave" exits 0 "$tobichi" run -- /bin/busybox echo installed
check "with its output" has "$said" installed
library=$(find dest -name 'libtobichi.so.*.*.*')
check "the library shows nothing but its public names" same \
	"$(nm -D --defined-only "$library" | awk '$3 !~ /^tobi_/' | head -3)" ""
check "and does show these" has "$(nm -D --defined-only "$library")" " T tobi_verify"
config=$(find dest -name tobichi.pc)
flags=$(PKG_CONFIG_SYSROOT_DIR="$work/dest" PKG_CONFIG_PATH="$(dirname "$config")" pkg-config --cflags --libs tobichi)
# A program that uses a library with sanitizers needs their run time too.
nm -D "$library" | grep -q __asan_init && flags="$flags -fsanitize=address,undefined"
# shellcheck disable=SC2086 # words are meant
check "an example builds against it" gcc -Wall -Werror -o verify "$source/examples/verify.c" $flags
"$tobichi" build --tier soft -o sleeper.tobi -- /bin/busybox sleep 60 >/dev/null
enclave=$("$tobichi" run -d sleeper.tobi)
printf 12345678 >nonce
"$tobichi" attest "$enclave" --nonce 3132333435363738 -o evidence >/dev/null
export LD_LIBRARY_PATH="$work/$(dirname "$library")"
check "the example accepts good evidence" exits 0 ./verify evidence sleeper.policy.yaml nonce
check "and says so" same "$said" accepted
printf 12345679 >nonce
check "it refuses another nonce" exits 1 ./verify evidence sleeper.policy.yaml nonce
check "with the reason" has "$said" CLAIMS-NONCE
check "it is shorter than 25 lines" test "$(wc -l <"$source/examples/verify.c")" -lt 25
unset LD_LIBRARY_PATH
"$tobichi" stop --grace 0 "$enclave" >/dev/null
for page in $(find dest -path '*/man/*' -type f); do
	check "the page $(basename "$page") is well formed" same "$(mandoc -Tlint -Wwarning "$page" 2>&1)" ""
done
completion=$(find dest -path '*bash-completion/completions/tobichi')
words() { # COMMAND-LINE-WORDS...
	PATH="$(dirname "$tobichi"):$PATH" bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tobichi; echo "${COMPREPLY[*]}"' \
		bash "$completion" "$@"
}
check "completion of a command" same "$(words tobichi ins)" inspect
check "completion of an option" has "$(words tobichi build --wri)" --writable
check "completion of a platform action" same "$(words tobichi platform cer)" certify
check "the unit names installed programs" has "$(cat "$(find dest -name tobichid.service)")" "libexec/tobichi/tobichid"
check "so does the broker's" has "$(cat "$(find dest -name tobichi-broker.service)")" "libexec/tobichi/tobichi-broker"
check "the broker has a user" has "$(cat "$(find dest -path '*sysusers.d/tobichi-broker.conf')")" "u tobichi-broker"
exit $failed
