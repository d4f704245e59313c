#!/bin/sh
# Enclaves in confidential VMs of Azure, from the virtual TPM to a verdict: a software TPM,
# with the paravisor and the metadata service played in front of it. All else is real.
# Usage: guest_azure.sh BUILD-FOLDER
[ "$(id -u)" = 0 ] || { echo "skipped: needs root to make enclaves with limits"; exit 77; }
for tool in swtpm swtpm_setup tpm2_createprimary; do
	command -v $tool >/dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpm_lib.sh"
. "$(dirname "$0")/guest_lib.sh"
azure_guest=$1/tests/tools/azure_guest
here=$(cd "$(dirname "$0")" && pwd)
metadata_server= paravisor=
done_with_azure() {
	tpm_stop one
	for each in $metadata_server $paravisor; do kill "$each" 2>/dev/null; done
	clean_up
}
trap done_with_azure EXIT
cd "$work" || exit 1
tpm_make one ""
tpm_start one
export TPM2TOOLS_TCTI="swtpm:path=$work/one/socket"
make_key() { # NAME: a key like a paravisor's
	tpm2_createprimary -C o -G rsa2048:rsassa-sha256:null -c "$1.context" \
		-a 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign' ${2:+-u "$2"} >/dev/null
	tpm2_readpublic -c "$1.context" -f pem -o "$1.pem" >/dev/null
}
make_key ak
tpm2_evictcontrol -C o -c ak.context 0x81000003 >/dev/null
tpm2_flushcontext -t
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out other.key 2>/dev/null
openssl pkey -in other.key -pubout -out other.pem
/usr/bin/python3 -B "$here/boot_log.py" boot.log boot.lines >events
while read -r pcr digest; do tpm2_pcrextend "$pcr:sha256=$digest"; done <events
port=$(free_port)
echo ok >mode
/usr/bin/python3 "$here/metadata.py" "$port" "$work" &
metadata_server=$!
device=swtpm:path=$work/played

play_paravisor() { # snp|tdx KEY.PEM
	[ -z "$paravisor" ] || { kill "$paravisor"; wait "$paravisor" 2>/dev/null; }
	rm -rf played played.ctrl collateral hcl.bin
	echo ok >paravisor
	/usr/bin/python3 "$here/paravisor.py" "$work/played" "$work/one/socket" \
		"$azure_guest" "$work" "$1" "$2" - 2>paravisor.log &
	paravisor=$!
	eventually test -e played.ctrl || { cat paravisor.log; exit 1; }
	tpm2_nvundefine -C o 0x01400001 >/dev/null 2>&1
	tpm2_nvdefine -C o -s "$(wc -c <hcl.bin)" -a "ownerread|ownerwrite" 0x01400001 >/dev/null
	tpm2_nvwrite -C o -i hcl.bin 0x01400001
}
"$tobichi" platform init >/dev/null
"$tobichi" build --tier soft --port 8000 -o web.tobi -- python3 -m http.server 8000 >/dev/null
verify() { # POLICY FILE NONCE
	"$tobichi" verify "$2" --policy "$1" --nonce "$3" --collateral collateral
}
reaches() { # POLICY
	"$tobichi" connect "127.0.0.1:$web" --policy "$1" --collateral collateral -- \
		sh -c 'printf "GET / HTTP/1.0\r\n\r\n"; head -1'
}
serve_azure() { # a service, and an enclave in it
	start none --attester azure --attester-logs --attester-device "$device" --attester-metadata "http://127.0.0.1:$port"
	check "$kind: a service starts" test -n "$(service)"
	web=$(free_port)
	id=$("$tobichi" run --detach --publish "$web:8000" web.tobi)
}

for kind in snp tdx; do
	play_paravisor $kind ak.pem
	serve_azure
	guest_policy azure-$kind >guest.yaml
	guest_policy azure-$kind "image=$(printf '%096d' 0)" >other.yaml
	guest_policy azure-$kind root=no >stranger.yaml
	guest_policy azure-$kind "azure:" "  vm-ids: [01234567-89ab-cdef-0123-456789abcdef]" >vm.yaml
	check "$kind: evidence" exits 0 "$tobichi" attest "$id" --nonce $nonce -o web.evidence
	check "$kind: is accepted" exits 0 verify guest.yaml web.evidence $nonce
	check "$kind: by the row" has "$said" "ok    POLICY-GUEST"
	check "$kind: of its tier" has "$said" "azure-$kind"
	check "$kind: the paravisor is said to be trusted" has "$said" "PARAVISOR"
	check "$kind: another nonce is refused" exits 1 verify guest.yaml web.evidence ff$nonce
	check "$kind: another measurement" exits 1 verify other.yaml web.evidence $nonce
	check "$kind: another VM" exits 1 verify vm.yaml web.evidence $nonce
	check "$kind: keys of somebody else" exits 1 verify stranger.yaml web.evidence $nonce
	check "$kind: later evidence" exits 0 "$tobichi" attest "$id" --nonce ff$nonce -o later.evidence
	move_guest web.evidence later.evidence moved.evidence
	check "$kind: in its place is refused" exits 1 verify guest.yaml moved.evidence $nonce
	check "$kind: for the quote" has "$said" "AZURE-NONCE"
	{ cat guest.yaml boot.lines; } >boot.yaml
	check "$kind: what was started is accepted" exits 0 verify boot.yaml web.evidence $nonce
	check "$kind: by the guest's own row" has "$said" "  ok    POLICY-BOOT-KERNELS"
	sed 's/^  kernels: \[../  kernels: [00/' boot.yaml >kernel.yaml
	check "$kind: another kernel is not" exits 1 verify kernel.yaml web.evidence $nonce
	check "$kind: a client is let in" exits 0 reaches guest.yaml
	check "$kind: one that means another guest is not" exits 1 reaches other.yaml
	echo stale >paravisor
	check "$kind: an old report is no evidence" exits 2 "$tobichi" attest "$id" --nonce 77$nonce -o none.evidence
	check "$kind: and it is said" has "$said" "another question"
	echo ok >paravisor
	echo broken >mode
	check "$kind: a metadata service that is broken" exits 2 "$tobichi" attest "$id" --nonce $nonce -o none.evidence
	check "$kind: is said to be so" has "$said" "500"
	echo ok >mode
	check "$kind: and forgotten after that" exits 0 "$tobichi" attest "$id" --nonce $nonce -o web.evidence
	"$tobichi" stop "$id" >/dev/null
	stop
done

# A report that names another key than the TPM's own: whoever has that TPM is no guest.
kind=another
play_paravisor snp other.pem
serve_azure
guest_policy azure-snp >guest.yaml
check "a report that names another key" exits 0 "$tobichi" attest "$id" --nonce $nonce -o web.evidence
check "is refused" exits 1 verify guest.yaml web.evidence $nonce
check "for the quote's signature" has "$said" "AZURE-QUOTE-SIGNATURE"
"$tobichi" stop "$id" >/dev/null
stop
exit $failed
