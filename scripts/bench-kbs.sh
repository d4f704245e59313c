# Of bench.sh: releases over the key-broker protocol, beside the cryptography that no broker can
# do without. A guest of SEV-SNP that the broker has seen before; SQLite, a key in a file.

kbs_rows() {
	mkdir -m 700 kbs-bench
	kbs kbs-bench "$rounds" 500 >kbs.times
	for n in 1 2 3 4 5; do cut -d' ' -f$n kbs.times >kbs.$n; done
	row "a release over the key-broker protocol: challenge, attestation, secret" µs less kbs.4 \
		"its bare operations" kbs.5
}
