#!/bin/sh
# An image's parts, keys and certificates, read by the tools of others.
# Usage: image.sh BUILD_FOLDER
set -u
. "$(dirname "$0")/../e2e/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
for tool in fsck.erofs dump.erofs veritysetup openssl; do
	command -v $tool >/dev/null || { echo "skipped: needs $tool"; exit 77; }
done
number() { # OFFSET: eight bytes, big-endian
	od -An -v -tx1 -j "$1" -N 8 image.tobi | tr -d ' \n' | sed 's/^/0x/'
}
mkdir root root/empty root/sub
printf '#!/script\n' >root/script
chmod 755 root/script
ln -s sub/x root/link
i=0
while [ $i -lt 200 ]; do echo $i >root/sub/file$i; i=$((i + 1)); done
head -c 3000000 /dev/zero >root/large
check "build of a root folder" exits 0 "$tobichi" build --root root -o image.tobi -- /script

# the root file system
offset=$(($(number 24))) size=$(($(number 32))) tree=$(($(number 40))) tree_size=$(($(number 48)))
tail -c +$((offset + 1)) image.tobi | head -c $size >root.erofs
tail -c +$((tree + 1)) image.tobi >tree
check "the file ends with the tree" same "$(stat -c %s tree)" $tree_size
check "fsck.erofs reads the root" exits 0 fsck.erofs root.erofs
mkdir out
check "and takes it apart" exits 0 fsck.erofs --extract=out --force root.erofs
check "a small file is as it was" cmp root/sub/file7 out/sub/file7
check "a large file is as it was" cmp root/large out/large
check "a link is as it was" same "$(readlink out/link)" sub/x
check "dump.erofs reads the superblock" exits 0 dump.erofs root.erofs
check "it has no time of its own" has "$(dump.erofs --path=/script root.erofs)" "1970-01-01"
check "files are root's" has "$(dump.erofs --path=/script root.erofs)" "Uid: 0   Gid: 0"

# the hash tree in the image
hash=$("$tobichi" inspect image.tobi --json | sed -n 's/.*"tree-root": "\([0-9a-f]*\)".*/\1/p')
verify() {
	veritysetup verify --no-superblock --hash sha256 --data-block-size 4096 --hash-block-size 4096 \
		--data-blocks $((size / 4096)) --salt - root.erofs tree "$1"
}
check "veritysetup verifies it by the root that the manifest names" exits 0 verify "$hash"
check "and by no other" exits 1 verify "$(echo "$hash" | tr 0-9a-f 1-9a-f0)"
check "the root's SHA-384 is the manifest's" has "$("$tobichi" inspect image.tobi --json)" \
	"\"sha384\": \"$(openssl dgst -sha384 -r root.erofs | cut -d' ' -f1)\""
manifest_size=$(($(od -An -v -tx1 -j 12 -N 4 image.tobi | tr -d ' \n' | sed 's/^/0x/')))
tail -c +57 image.tobi | head -c $manifest_size >manifest
check "the image id is the manifest's SHA-384" has "$("$tobichi" inspect image.tobi)" \
	"$(openssl dgst -sha384 -r manifest | cut -d' ' -f1)"

# keys
for type in p256 p384 ed25519; do
	said=$("$tobichi" keygen -o $type --type $type)
	check "openssl reads a $type key" exits 0 openssl pkey -in $type.key -noout -check
	"$tobichi" keygen -o again-$type --type $type >/dev/null
	check "its public half belongs to it" same "$(openssl pkey -in $type.key -pubout)" "$(cat $type.pub)"
	check "the signer id is the SHA-384 of its SubjectPublicKeyInfo" has "$("$tobichi" sign image.tobi --key $type.key)" \
		"$(openssl pkey -in $type.key -pubout -outform DER | openssl dgst -sha384 -r | cut -d' ' -f1)"
done
openssl ecparam -name secp384r1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out theirs.key
chmod 600 theirs.key
check "a key made by openssl signs" exits 0 "$tobichi" sign image.tobi --key theirs.key
openssl ecparam -name prime256v1 -genkey -noout -conv_form compressed | openssl pkcs8 -topk8 -nocrypt -out short.key
chmod 600 short.key
check "also one with a compressed point" exits 0 "$tobichi" sign image.tobi --key short.key
check "and the image is as good as before" exits 0 "$tobichi" inspect image.tobi
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.key 2>/dev/null
chmod 600 rsa.key
check "an RSA key does not sign" exits 2 "$tobichi" sign image.tobi --key rsa.key
check "for that reason" has "$said" "P-256"

# certificates
"$tobichi" platform init >/dev/null
"$tobichi" platform anchor -o ca.pem
check "openssl verifies the platform's certificate" exits 0 openssl verify -x509_strict -CAfile ca.pem state/platform.pem
check "and the CA by itself" exits 0 openssl verify -x509_strict -CAfile ca.pem state/platform-ca.pem
check "the platform is no CA" has "$(openssl x509 -in state/platform.pem -noout -text)" "CA:FALSE"
check "the certificate is the key's" same "$(openssl x509 -in state/platform.pem -noout -pubkey)" \
	"$(openssl pkey -in state/platform.key -pubout)"
exit $failed
