#!/bin/sh
# Certificates of ours under `openssl verify`, and those of `openssl` under our check.
# Usage: certificates.sh TOOL
set -eu
command -v openssl >/dev/null || { echo "skipped: openssl is not installed"; exit 77; }
tool=$(readlink -f "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
now=1900000000
held=0
fail() { echo "error: $*" >&2; exit 1; }
yes() { "$@" >out 2>&1 || { cat out >&2; fail "this should hold: $*"; }; held=$((held + 1)); }
no() {
	status=0
	"$@" >out 2>&1 || status=$?
	case $status in 1 | 2) ;; *) cat out >&2; fail "this should not hold (status $status): $*" ;; esac
	held=$((held + 1))
}
says() { grep -q -- "$1" out || { cat out >&2; fail "it does not say: $1"; }; held=$((held + 1)); }

# Ours, read by them.
yes "$tool" make "$work" $now
strict="openssl verify -x509_strict -no-CApath -no-CAstore -auth_level 2 -attime"
yes $strict $now -CAfile ca.pem ca.pem
yes $strict $now -CAfile ca.pem platform.pem
yes $strict $now -CAfile ca.pem -purpose sslserver -verify_hostname db.example tls.pem
yes $strict $now -CAfile ca.pem -purpose sslclient tls.pem
no $strict $now -CAfile ca.pem -purpose sslserver -verify_hostname other.example tls.pem
no $strict $((now + 86401)) -CAfile ca.pem platform.pem
no $strict $((now - 86401)) -CAfile ca.pem platform.pem
no $strict $now -CAfile platform.pem tls.pem
yes openssl x509 -in ca.pem -noout -text
says "CA:TRUE, pathlen:0"
says "Certificate Sign, CRL Sign"
says "ecdsa-with-SHA384"
yes openssl x509 -in platform.pem -noout -text
says "CA:FALSE"
says "Digital Signature"
yes openssl x509 -in tls.pem -noout -text
says "TLS Web Server Authentication, TLS Web Client Authentication"
says "DNS:db.example"
for name in ca platform tls; do
	yes openssl x509 -in $name.pem -noout -pubkey
	cp out of-certificate
	yes openssl pkey -in $name.key -pubout
	cmp -s out of-certificate || fail "$name.key is not the key of $name.pem"
done
yes openssl req -in platform.csr -noout -verify -subject
says "CN = platform"

# Theirs, read by ours: an owner's CA over our request, with a CA between.
new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
new_key root.key
new_key middle.key
new_key other.key
days="-days 100"
openssl req -x509 -new -key root.key -subj "/CN=owner root" $days -out root.pem \
	-addext keyUsage=critical,keyCertSign
openssl req -x509 -new -key other.key -subj "/CN=owner root" $days -out other.pem \
	-addext keyUsage=critical,keyCertSign
openssl req -new -key middle.key -subj "/CN=owner middle" -out middle.csr
cat >ca.ext <<'END'
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
# The usages are those that our request asks for.
cat >leaf.ext <<'END'
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:db.example
END
cat >web.ext <<'END'
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
END
issue() { # request issuer extensions out copy|none
	openssl x509 -req -in "$1" -CA "$2.pem" -CAkey "$2.key" -set_serial 5 $days -extfile "$3" \
		-copy_extensions "$5" -out "$4" 2>/dev/null
}
issue middle.csr root ca.ext middle.pem none
issue platform.csr middle leaf.ext leaf.pem copy
issue platform.csr root leaf.ext direct.pem copy
issue platform.csr root web.ext web.pem none
cat leaf.pem middle.pem >chain.pem
real=$(date +%s)
yes "$tool" verify root.pem chain.pem "$real" db.example
yes "$tool" verify root.pem direct.pem "$real"
yes "$tool" verify middle.pem leaf.pem "$real"
no "$tool" verify root.pem web.pem "$real"
says "it lacks the extended key usage"
no "$tool" verify root.pem leaf.pem "$real"
says "unable to get local issuer"
no "$tool" verify other.pem chain.pem "$real"
no "$tool" verify root.pem chain.pem "$real" other.example
no "$tool" verify root.pem chain.pem $((real + 101 * 86400))
says "expired"
no "$tool" verify root.pem chain.pem $((real - 86400))
says "not yet valid"
echo "$held expectations held"
