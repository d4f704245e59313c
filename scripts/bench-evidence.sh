# Of bench.sh: the evidence of hardware, beside its bare signature checks and beside npm's
# @phala/dcap-qvl. TOBICHI_VECTORS names the folder of the evidence.

whole() { # FILE: the median without its fraction
	spread <"$1" | cut -d' ' -f1 | cut -d. -f1
}
times_rows() { # KIND NAME COUNT
	evidence "$1" times "$rounds" "$3" >evidence.times
	for n in 1 2 3 4 5; do cut -d' ' -f$n evidence.times >evidence.$n; done
	row "verifying $2, nothing known yet" µs less evidence.1 "all its signature checks alone" evidence.2
	if [ "$(whole evidence.4)" -ge 1 ]; then
		row "verifying $2, platform seen before" µs less evidence.3 "its own signature checks alone" evidence.4
	else # nothing in it is made for one piece of evidence
		row "verifying $2, platform seen before" µs less evidence.3 "all its signature checks alone" evidence.2
	fi
	[ "$(whole evidence.5)" -lt 1 ] ||
		row "of those checks, the ones with P-384" µs less evidence.5 "all of them" evidence.2
	evidence "$1" threads "$rounds" "${3}0" >evidence.rates
	for n in 1 2; do cut -d' ' -f$n evidence.rates >evidence.$n; done
	row "verifying $2, platform seen before, two threads" /s more evidence.1 "one thread" evidence.2
	evidence "$1" memory 20 | awk '{ print $1 / 1024 >"evidence.1"; print $2 / 1024 >"evidence.2"; print 256 >"evidence.limit" }'
	row "memory of one, $2, nothing known yet" KiB less evidence.1 limit evidence.limit
	row "memory of one, $2, platform seen before" KiB less evidence.2 limit evidence.limit
}
event_log_row() {
	event_log "$rounds" 200 >evidence.times
	for n in 1 2; do cut -d' ' -f$n evidence.times >evidence.$n; done
	row "replaying an event log of 300 KiB, and naming what was started" µs less evidence.1 \
		"hashing of its data and registers alone" evidence.2
}
# A minute or two. BENCH_MANY: how many, in place of a million.
flat_row() {
	many=${BENCH_MANY:-1000000}
	evidence sgx memory "$many" | awk '{ print $4 / 1024 >"evidence.1"; print $3 / 1024 >"evidence.2" }'
	row "resident after $many quotes of SGX, platform seen before" MiB less evidence.1 "after a hundredth" evidence.2
}
dcap_qvl_rows() { # FOLDER TIME
	{ have node && have npm; } || { skipped "npm's @phala/dcap-qvl" "node or npm is missing"; return; }
	npm install --prefix "$work/npm" --no-audit --no-fund --silent @phala/dcap-qvl >npm.log 2>&1 ||
		{ skipped "npm's @phala/dcap-qvl" "npm cannot fetch it"; return; }
	: >qvl.theirs >evidence.times
	for _ in $(seq "$rounds"); do
		evidence sgx times 1 100 >>evidence.times
		NODE_PATH=$work/npm/node_modules node "$here/../bench/dcap_qvl.js" "$1" "$2" 1 20 >>qvl.theirs
	done
	for n in 1 3; do cut -d' ' -f$n evidence.times >evidence.$n; done
	row "verifying a quote of SGX, nothing known yet" µs less evidence.1 "dcap-qvl $(qvl_version)" qvl.theirs
	row "verifying a quote of SGX, platform seen before" µs less evidence.3 "dcap-qvl $(qvl_version)" qvl.theirs
}
qvl_version() { jq -r .version "$work/npm/node_modules/@phala/dcap-qvl/package.json"; }
evidence_rows() {
	event_log_row
	vectors=${TOBICHI_VECTORS:-$here/../../shared/vectors}
	[ -r "$vectors/MANIFEST.tsv" ] || { skipped "evidence of hardware" "TOBICHI_VECTORS names no folder of it"; return; }
	export TOBICHI_VECTORS="$vectors"
	times_rows sgx "a quote of SGX" 200
	times_rows tdx "a quote of TDX" 200
	times_rows snp-vcek "a report of SEV-SNP, VCEK" 100
	times_rows snp-vlek "a report of SEV-SNP, VLEK" 100
	times_rows sev "a platform of SEV" 100
	times_rows nitro "a document of Nitro" 50
	times_rows epid "a report of EPID" 500
	times_rows nvidia "a report of a Hopper GPU" 50
	times_rows cca "a token of Arm CCA" 100
	times_rows psa "a token of PSA" 500
	times_rows tpm-ecc "a quote of Google's virtual TPM, ECC" 200
	times_rows tpm-rsa "a quote of Google's virtual TPM, RSA, with a log" 100
	times_rows tpm-key "a quote of a TPM, RSA, by a named key" 500
	flat_row
	dcap_qvl_rows "$vectors/sgx/dcapqvl-v3-configandswhardening" 2025-07-04T10:28:44Z
}
