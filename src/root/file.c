/* The file provider: platform CA, platform key and seal root as files of mode 0600. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "codec/cose.h"
#include "pki/cert.h"
#include "root/provider.h"

enum { SEAL_ROOT_SIZE = 32, PATH_ROOM = LIMIT_PATH + 64 };

static const int64_t year = 365L * 24 * 3600;
/* Clocks of embedded devices are late now and then. */
static const int64_t back_dating = 24L * 3600;

struct path {
	char text[PATH_ROOM];
};

static struct path in_folder(const char *folder, const char *name)
{
	struct path path;

	snprintf(path.text, sizeof(path.text), "%s/%s", folder, name);
	return path;
}

static enum tobi_err check_folder(const char *folder, struct tobi_fault *fault)
{
	struct stat st;

	if (strlen(folder) > LIMIT_PATH)
		return fault_set(fault, TOBI_E_LIMIT, "platform", "folder",
				 "the path is too long");
	if (lstat(folder, &st) && errno == ENOENT)
		return TOBI_E_NOT_FOUND;
	if (lstat(folder, &st))
		return fault_errno(fault, "platform", "folder", "cannot look at %s",
				   folder);
	if (S_ISLNK(st.st_mode) || !S_ISDIR(st.st_mode))
		return fault_set(fault, TOBI_E_DENIED, "platform", "folder",
				 "%s is %s; it must be a folder of its own", folder,
				 S_ISLNK(st.st_mode) ? "a link" : "not a folder");
	if (st.st_uid != geteuid())
		return fault_set(fault, TOBI_E_DENIED, "platform", "folder",
				 "%s belongs to another user", folder);
	if (st.st_mode & 077)
		return fault_set(fault, TOBI_E_DENIED, "platform", "folder",
				 "others can enter %s; run: chmod 700 %s", folder,
				 folder);
	return TOBI_OK;
}

static enum tobi_err make_folder(const char *folder, struct tobi_fault *fault)
{
	char path[PATH_ROOM];
	enum tobi_err err = check_folder(folder, fault);

	if (err != TOBI_E_NOT_FOUND)
		return err;
	snprintf(path, sizeof(path), "%s", folder);
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			return fault_errno(fault, "platform", "folder", "cannot make %s",
					   path);
		*at = '/';
	}
	if (mkdir(folder, 0700) && errno != EEXIST)
		return fault_errno(fault, "platform", "folder", "cannot make %s", folder);
	return check_folder(folder, fault);
}

static enum tobi_err save_key(const char *folder, const char *name, EVP_PKEY *key,
			      struct tobi_fault *fault)
{
	struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err = key_write_private(key, &pem, fault);

	if (!err)
		err = file_write_new(in_folder(folder, name).text, 0600, wr_view(&pem),
				     "platform", fault);
	wr_done(&pem);
	return err;
}

static enum tobi_err save_certificate(const char *folder, const char *name,
				      struct tobi_bytes der, struct tobi_fault *fault)
{
	struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err = chain_write_pem(der, &pem, fault);

	if (!err)
		err = file_write_new(in_folder(folder, name).text, 0600, wr_view(&pem),
				     "platform", fault);
	wr_done(&pem);
	return err;
}

/* The names that people see in a chain carry the first digits of the key's hash. */
static enum tobi_err name_for(EVP_PKEY *key, const char *what, char *out, size_t room,
			      struct tobi_fault *fault)
{
	uint8_t hash[SHA256_SIZE];
	enum tobi_err err = key_spki_sha256(key, hash, fault);

	if (!err)
		snprintf(out, room, "Tobichi %s %02x%02x%02x%02x", what, hash[0], hash[1],
			 hash[2], hash[3]);
	return err;
}

static enum tobi_err make_certificates(const char *folder, EVP_PKEY *ca,
				       EVP_PKEY *platform, int64_t now,
				       struct tobi_fault *fault)
{
	struct writer ca_der = wr_init(LIMIT_CERTIFICATE),
		      der = wr_init(LIMIT_CERTIFICATE);
	CLEANUP(X509_freep) X509 *issuer = NULL;
	char ca_name[64] = "", name[64] = "";
	struct cert_request request = {CERT_CA,		  ca_name,	   NULL,
				       now - back_dating, now + 10 * year, ca};
	enum tobi_err err = name_for(ca, "platform CA", ca_name, sizeof(ca_name), fault);

	if (!err)
		err = name_for(platform, "platform", name, sizeof(name), fault);
	if (!err)
		err = cert_make(&request, NULL, NULL, &ca_der, fault);
	if (!err)
		err = chain_read_certificate(wr_view(&ca_der), "platform CA", &issuer,
					     fault);
	request = (struct cert_request){CERT_PLATFORM,	   name,	   NULL,
					now - back_dating, now + 5 * year, platform};
	if (!err)
		err = cert_make(&request, issuer, ca, &der, fault);
	if (!err)
		err =
		    save_certificate(folder, "platform-ca.pem", wr_view(&ca_der), fault);
	if (!err)
		err = save_certificate(folder, "platform.pem", wr_view(&der), fault);
	wr_done(&ca_der);
	wr_done(&der);
	return err;
}

static enum tobi_err save_seal_root(const char *folder, struct tobi_fault *fault)
{
	struct secret seal = {0};
	enum tobi_err err = secret_new(SEAL_ROOT_SIZE, &seal, fault);

	if (err)
		return err;
	if (RAND_priv_bytes(seal.ptr, SEAL_ROOT_SIZE) != 1)
		err = fault_openssl(fault, "platform", "seal root", "no random bytes");
	if (!err)
		err = file_write_new(in_folder(folder, "seal-root").text, 0600,
				     secret_view(&seal), "platform", fault);
	secret_done(&seal);
	return err;
}

/* Two that start at once must not mix their files: the lock ends with the descriptor. */
static enum tobi_err lock_folder(const char *folder, int *ret_fd,
				 struct tobi_fault *fault)
{
	*ret_fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret_fd < 0 || flock(*ret_fd, LOCK_EX))
		return fault_errno(fault, "platform", "folder", "cannot lock %s", folder);
	return TOBI_OK;
}

static const char *const names[] = {"platform-ca.key", "platform-ca.pem", "platform.pem",
				    "owner.pem",       "seal-root",	  "platform.key"};

/* platform.key comes last: where it is, the rest is. What an interrupted start left
 * behind without it holds nothing that anybody relies on. */
static enum tobi_err init(const char *folder, int64_t now, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *ca = NULL;
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *platform = NULL;
	CLEANUP(fd_close) int lock = -1;
	enum tobi_err err = make_folder(folder, fault);

	if (!err)
		err = lock_folder(folder, &lock, fault);
	if (err)
		return err;
	if (access(in_folder(folder, "platform.key").text, F_OK) == 0)
		return fault_set(fault, TOBI_E_EXISTS, "platform", "",
				 "there is a platform in %s already; it is left as it is",
				 folder);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_folder(folder, names[i]).text);
	err = key_new(KEY_P384, &ca, fault);
	if (!err)
		err = key_new(KEY_P384, &platform, fault);
	if (!err)
		err = save_key(folder, "platform-ca.key", ca, fault);
	if (!err)
		err = make_certificates(folder, ca, platform, now, fault);
	if (!err)
		err = save_seal_root(folder, fault);
	if (!err)
		err = save_key(folder, "platform.key", platform, fault);
	return err;
}

static enum tobi_err load_chain(const char *folder, const char *name,
				struct writer *bytes, struct tobi_bytes *ret_list,
				size_t max, size_t *ret_count, struct tobi_fault *fault)
{
	struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err =
	    file_read(in_folder(folder, name).text, LIMIT_PEM, name, &pem, fault);

	if (!err)
		err = chain_read_pem(wr_view(&pem), name, bytes, ret_list, max, ret_count,
				     fault);
	if (!err && *ret_count == 0)
		err = fault_set(fault, TOBI_E_MALFORMED, name, "",
				"there is no certificate in it");
	wr_done(&pem);
	return err;
}

static enum tobi_err load_key(const char *folder, struct root *root,
			      struct tobi_fault *fault)
{
	struct secret pem = {0};
	enum tobi_err err = file_read_secret(in_folder(folder, "platform.key").text,
					     LIMIT_PEM, "platform.key", &pem, fault);

	if (!err)
		err = key_read_private(secret_view(&pem), "platform.key", &root->key,
				       fault);
	secret_done(&pem);
	if (!err) {
		root->ueid[0] = 1; /* RFC 9711 §4.2.1.1: type RAND */
		err = key_spki_sha256(root->key, root->ueid + 1, fault);
	}
	return err;
}

/* The first certificate of the file is one for the platform key. */
static enum tobi_err check_certified(const struct root *root, struct tobi_bytes der,
				     const char *name, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *certificate = NULL;
	enum tobi_err err = chain_read_certificate(der, name, &certificate, fault);

	if (!err && EVP_PKEY_eq(X509_get0_pubkey(certificate), root->key) != 1)
		err = fault_set(fault, TOBI_E_MISMATCH, name, "",
				"it certifies another key than platform.key");
	return err;
}

/* Nobody could verify a report whose chain does not hold. */
static enum tobi_err check_issued(const struct root *root, struct tobi_fault *fault)
{
	CLEANUP(X509_freep) X509 *leaf = NULL;
	CLEANUP(X509_freep) X509 *ca = NULL;
	enum tobi_err err =
	    chain_read_certificate(root->chain[0], "platform.pem", &leaf, fault);

	if (!err)
		err =
		    chain_read_certificate(root->chain[1], "platform-ca.pem", &ca, fault);
	if (!err && X509_verify(leaf, X509_get0_pubkey(ca)) != 1)
		err = fault_set(fault, TOBI_E_MISMATCH, "platform.pem", "",
				"the CA in platform-ca.pem has not signed it");
	return err;
}

static enum tobi_err load_chains(const char *folder, struct root *root,
				 struct tobi_fault *fault)
{
	struct writer ca_bytes = wr_init(LIMIT_PEM);
	struct tobi_bytes ca = {0};
	size_t count = 0;
	enum tobi_err err =
	    load_chain(folder, "platform-ca.pem", &ca_bytes, &ca, 1, &count, fault);

	if (!err)
		err = load_chain(folder, "platform.pem", &root->chain_bytes, root->chain,
				 1, &root->chain_count, fault);
	if (!err) {
		wr_bytes(&root->chain_bytes, ca.ptr, ca.size);
		err = wr_err(&root->chain_bytes);
	}
	if (!err) {
		size_t first = root->chain_bytes.size - ca.size;

		root->chain[0] = (struct tobi_bytes){root->chain_bytes.ptr, first};
		root->chain[1] =
		    (struct tobi_bytes){root->chain_bytes.ptr + first, ca.size};
		root->chain_count = 2;
	}
	wr_done(&ca_bytes);
	if (!err)
		err = check_certified(root, root->chain[0], "platform.pem", fault);
	if (!err)
		err = check_issued(root, fault);
	if (err || access(in_folder(folder, "owner.pem").text, F_OK) != 0)
		return err;
	err = load_chain(folder, "owner.pem", &root->owner_bytes, root->owner_chain,
			 LIMIT_COSE_CHAIN, &root->owner_count, fault);
	if (!err)
		err = check_certified(root, root->owner_chain[0], "owner.pem", fault);
	return err;
}

/* There is a platform here, though not all of it: "not found" would be wrong. */
static enum tobi_err not_whole(const char *folder, struct tobi_fault *fault)
{
	char missing[sizeof(fault->object)];

	snprintf(missing, sizeof(missing), "%s", fault ? fault->object : "");
	return fault_set(
	    fault, TOBI_E_MALFORMED, "platform", missing,
	    "this file is missing in %s; restore it, or move the folder away "
	    "to begin anew",
	    folder);
}

static enum tobi_err open_files(const char *folder, struct root **ret_root,
				struct tobi_fault *fault)
{
	struct root *root;
	enum tobi_err err = check_folder(folder, fault);

	if (err)
		return err;
	if (access(in_folder(folder, "platform.key").text, F_OK) && errno == ENOENT)
		return TOBI_E_NOT_FOUND;
	root = calloc(1, sizeof(*root));
	if (!root)
		return fault_set(fault, TOBI_E_MEMORY, "platform", "", "out of memory");
	root->kind = "file";
	root->chain_bytes = wr_init(LIMIT_PEM);
	root->owner_bytes = wr_init(LIMIT_PEM);
	err = load_key(folder, root, fault);
	if (!err)
		err = file_read_secret(in_folder(folder, "seal-root").text,
				       SEAL_ROOT_SIZE, "seal-root", &root->seal, fault);
	if (!err && root->seal.size != SEAL_ROOT_SIZE)
		err = fault_set(fault, TOBI_E_TRUNCATED, "seal-root", "",
				"it has %zu bytes, not %d", root->seal.size,
				SEAL_ROOT_SIZE);
	if (!err)
		err = load_chains(folder, root, fault);
	if (err == TOBI_E_NOT_FOUND)
		err = not_whole(folder, fault);
	if (err) {
		root_free(root);
		return err;
	}
	*ret_root = root;
	return TOBI_OK;
}

const struct root_provider root_file_provider = {"file", "keys in files of mode 0600",
						 init, open_files};

void root_free(struct root *root)
{
	if (!root)
		return;
	EVP_PKEY_free(root->key);
	secret_done(&root->seal);
	wr_done(&root->chain_bytes);
	wr_done(&root->owner_bytes);
	free(root);
}

enum tobi_err root_sign(struct root *root, struct tobi_bytes message,
			struct writer *ret_signature, struct tobi_fault *fault)
{
	struct cose_signer signer;
	enum tobi_err err = cose_signer_for_key(root->key, &signer, fault);

	return err ? err : signer.sign(signer.context, message, ret_signature, fault);
}

enum tobi_err root_derive(struct root *root, struct tobi_bytes info,
			  uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	if (hkdf_sha256(secret_view(&root->seal), info, ret_key, 32))
		return fault_set(fault, TOBI_E_CRYPTO, "seal key", "",
				 "cannot be derived");
	return TOBI_OK;
}

enum tobi_err root_csr(struct root *root, struct writer *out, struct tobi_fault *fault)
{
	char name[64] = "";
	enum tobi_err err = name_for(root->key, "platform", name, sizeof(name), fault);

	return err ? err : cert_make_csr(root->key, name, out, fault);
}

/* The owner's CA is this host's own choice: its last certificate is the anchor here. What
 * a relying party trusts is in its own policy. */
enum tobi_err root_certify(struct root *root, const char *folder,
			   struct tobi_bytes chain_pem, int64_t now,
			   struct tobi_fault *fault)
{
	struct writer bytes = wr_init(LIMIT_PEM), anchor = wr_init(LIMIT_PEM);
	struct tobi_bytes list[LIMIT_COSE_CHAIN];
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *leaf = NULL;
	size_t count = 0;
	enum tobi_err err = chain_read_pem(chain_pem, "owner's chain", &bytes, list,
					   LIMIT_COSE_CHAIN, &count, fault);

	if (!err && count < 2)
		err = fault_set(
		    fault, TOBI_E_MALFORMED, "owner's chain", "",
		    "it needs the platform's certificate first, then those of the CA");
	if (!err)
		err = chain_write_pem(list[count - 1], &anchor, fault);
	if (!err) {
		struct chain_request request = {list, count,	      wr_view(&anchor),
						now,  CHAIN_PLATFORM, NULL};

		err = chain_verify(&request, "owner's chain", &leaf, fault);
	}
	if (!err && EVP_PKEY_eq(leaf, root->key) != 1)
		err = fault_set(fault, TOBI_E_MISMATCH, "owner's chain", "certificate 0",
				"it certifies another key than this platform's");
	if (!err)
		err = file_write(in_folder(folder, "owner.pem").text, 0600, chain_pem,
				 "owner's chain", fault);
	wr_done(&bytes);
	wr_done(&anchor);
	return err;
}
