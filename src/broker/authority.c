#include "broker/authority.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/keyring.h"
#include "broker/principal.h"
#include "broker/row_seal.h"
#include "broker/store.h"
#include "pki/cert.h"

static const char object[] = "certificate authority", table[] = "certificate_authority";

enum {
	CHAIN_SIZE_MAX = 64 << 10,
	SEALED_MAX = 8 << 10,
	CONTEXT_MAX = 256,
	NAME_SIZE = 65, /* of a common name, RFC 5280 appendix A.1, and its end */
	PARTS = 3,
	YEAR = 365 * 24 * 3600,
};

void authority_done(struct authority *authority)
{
	EVP_PKEY_free(authority->key);
	X509_free(authority->certificate);
	wr_done(&authority->chain);
	*authority = (struct authority){0};
}

/* ---- the row ---- */

struct row {
	bool found;
	struct writer sealed, chain;
	int64_t created;
	uint8_t mac[ROW_SEAL_SIZE];
};

static void row_done(struct row *row)
{
	wr_done(&row->sealed);
	wr_done(&row->chain);
}

static struct row row_empty(void)
{
	return (struct row){.sealed = wr_init(SEALED_MAX),
			    .chain = wr_init(CHAIN_SIZE_MAX)};
}

static enum tobi_err take_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	struct row *row = context;
	enum tobi_err err;

	(void)count;
	wr_bytes(&row->sealed, values[0].bytes.ptr, values[0].bytes.size);
	wr_bytes(&row->chain, values[1].bytes.ptr, values[1].bytes.size);
	err = wr_err(&row->sealed) ? wr_err(&row->sealed) : wr_err(&row->chain);
	row->found = true;
	return err ? fault_set(fault, err, "database", table, "no room")
		   : store_bytes(&values[2], row->mac, sizeof(row->mac), fault);
}

static void parts_of(const char *owner, const struct row *row,
		     struct tobi_bytes ret_parts[static PARTS])
{
	ret_parts[0] = bytes_of_text(owner);
	ret_parts[1] = wr_view(&row->sealed);
	ret_parts[2] = wr_view(&row->chain);
}

static enum tobi_err find_row(struct broker *broker, const char *owner, struct row *row,
			      struct tobi_fault *fault)
{
	const struct db_value value = db_text(owner);
	struct tobi_bytes parts[PARTS];
	enum tobi_err err = store_run(broker->db,
				      "SELECT sealed, chain, mac FROM "
				      "certificate_authority WHERE owner = ?",
				      &value, 1, take_row, row, NULL, fault);

	if (err || !row->found)
		return err;
	parts_of(owner, row, parts);
	return row_seal_check(broker, table, parts, PARTS,
			      (struct tobi_bytes){row->mac, sizeof(row->mac)}, fault);
}

static enum tobi_err seal_row(const struct broker *broker, const char *owner,
			      struct row *row, struct tobi_fault *fault)
{
	struct tobi_bytes parts[PARTS];

	parts_of(owner, row, parts);
	return row_seal(broker, table, parts, PARTS, row->mac, fault);
}

static void context_of(const char *owner, struct writer *out)
{
	wr_printf(out, "tobichi certificate authority/%s", owner);
}

/* ---- making ---- */

static void name_of(const struct broker *broker, const char *owner,
		    char ret_name[static NAME_SIZE])
{
	const char *broker_name = broker->setup.name ? broker->setup.name : "tobichi";

	/* Both may be as long as all of it. */
	snprintf(ret_name, NAME_SIZE, "%.24s enclaves of %.28s", broker_name, owner);
}

static enum tobi_err seal_key(const struct broker *broker, const char *owner,
			      EVP_PKEY *key, struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer context = wr_init(CONTEXT_MAX);
	enum tobi_err err = key_write_private(key, &pem, fault);

	context_of(owner, &context);
	return err ? err
		   : keyring_seal(broker->keyring, wr_view(&context), wr_view(&pem), out,
				  fault);
}

static enum tobi_err make(const struct broker *broker, const char *owner, int64_t now,
			  struct row *row, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer der = wr_init(LIMIT_PEM);
	char name[NAME_SIZE];
	struct cert_request request = {.role = CERT_CA,
				       .common_name = name,
				       .not_before = now - AUTHORITY_BACK_SECONDS,
				       .not_after =
					   now + (int64_t)AUTHORITY_YEARS * YEAR};
	enum tobi_err err = key_new(KEY_P384, &key, fault);

	name_of(broker, owner, name);
	request.key = key;
	if (!err)
		err = cert_make(&request, NULL, NULL, &der, fault);
	if (!err)
		err = chain_write_pem(wr_view(&der), &row->chain, fault);
	if (!err)
		err = seal_key(broker, owner, key, &row->sealed, fault);
	row->created = now;
	return err ? err : seal_row(broker, owner, row, fault);
}

/* Another broker may have been faster: then its one counts. */
static enum tobi_err insert(struct broker *broker, const char *owner,
			    const struct row *row, struct tobi_fault *fault)
{
	return store_run(
	    broker->db,
	    "INSERT INTO certificate_authority (owner, sealed, chain, created, mac) "
	    "VALUES (?, ?, ?, ?, ?) ON CONFLICT (owner) DO NOTHING",
	    (struct db_value[]){
		db_text(owner), db_bytes(wr_view(&row->sealed)),
		db_bytes(wr_view(&row->chain)), db_integer(row->created),
		db_bytes((struct tobi_bytes){row->mac, sizeof(row->mac)})},
	    5, NULL, NULL, NULL, fault);
}

static enum tobi_err make_one(struct broker *broker, const char *owner, int64_t now,
			      struct tobi_fault *fault)
{
	CLEANUP(row_done) struct row row = row_empty();
	enum tobi_err err = make(broker, owner, now, &row, fault);

	return err ? err : insert(broker, owner, &row, fault);
}

/* ---- opening ---- */

static enum tobi_err first_of(struct tobi_bytes pem, X509 **ret_certificate,
			      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer storage = wr_init(CHAIN_SIZE_MAX);
	struct tobi_bytes list[AUTHORITY_CHAIN_MAX];
	size_t count = 0;
	enum tobi_err err = chain_read_pem(pem, object, &storage, list,
					   AUTHORITY_CHAIN_MAX, &count, fault);

	if (!err && !count)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "",
				"there is no PEM certificate in it");
	return err ? err
		   : chain_read_certificate(list[0], object, ret_certificate, fault);
}

static enum tobi_err open_row(const struct broker *broker, const char *owner,
			      struct row *row, struct authority *authority,
			      struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer context = wr_init(CONTEXT_MAX);
	struct secret pem = {0};
	enum tobi_err err;

	context_of(owner, &context);
	err = keyring_open_blob(broker->keyring, wr_view(&context), wr_view(&row->sealed),
				&pem, fault);
	if (!err)
		err = key_read_private(secret_view(&pem), object, &authority->key, fault);
	secret_done(&pem);
	if (!err)
		err = first_of(wr_view(&row->chain), &authority->certificate, fault);
	if (!err && X509_check_private_key(authority->certificate, authority->key) != 1)
		err = fault_set(fault, TOBI_E_SIGNATURE, object, "",
				"the certificate is not of its key");
	authority->chain = row->chain;
	row->chain = (struct writer){0};
	return err;
}

enum tobi_err authority_get(struct broker *broker, const char *owner, int64_t now,
			    struct authority *ret_authority, struct tobi_fault *fault)
{
	CLEANUP(row_done) struct row row = row_empty();
	struct authority authority = {0};
	enum tobi_err err = find_row(broker, owner, &row, fault);

	if (!err && !row.found) {
		err = make_one(broker, owner, now, fault);
		if (!err)
			err = find_row(broker, owner, &row, fault);
	}
	if (!err && !row.found)
		err = fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				"it was taken away meanwhile");
	if (!err)
		err = open_row(broker, owner, &row, &authority, fault);
	if (err)
		authority_done(&authority);
	else
		*ret_authority = authority;
	return err;
}

/* ---- by another CA ---- */

enum tobi_err authority_request(const struct authority *authority, const char *owner,
				struct writer *out, struct tobi_fault *fault)
{
	char name[NAME_SIZE];

	snprintf(name, sizeof(name), "Tobichi enclaves of %.40s", owner);
	return cert_make_ca_csr(authority->key, name, out, fault);
}

struct imported {
	struct writer storage, pem;
	struct tobi_bytes list[AUTHORITY_CHAIN_MAX];
	X509 *certificates[AUTHORITY_CHAIN_MAX];
	size_t count;
};

static void imported_done(struct imported *imported)
{
	wr_done(&imported->storage);
	wr_done(&imported->pem);
	for (size_t i = 0; i < AUTHORITY_CHAIN_MAX; i++)
		X509_free(imported->certificates[i]);
}

static enum tobi_err bad(const char *what, struct tobi_fault *fault)
{
	ERR_clear_error();
	return fault_set(fault, TOBI_E_CERTIFICATE, object, "", "%s", what);
}

static enum tobi_err check_one(const struct imported *imported, size_t at, int64_t now,
			       struct tobi_fault *fault)
{
	X509 *certificate = imported->certificates[at];
	struct chain_window window = {INT64_MIN, INT64_MAX};

	if (!chain_window_narrow(&window, certificate) || now < window.not_before ||
	    now >= window.not_after)
		return bad("a certificate is not valid now", fault);
	/* pathlen: of those between this one and what it is to issue. */
	if (X509_check_ca(certificate) != 1 ||
	    !(X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) ||
	    (X509_get_pathlen(certificate) >= 0 &&
	     X509_get_pathlen(certificate) < (long)at))
		return bad("a certificate is not a CA's for this", fault);
	/* What it issues names it by that (RFC 5280 section 4.2.1.2). */
	if (at == 0 && !X509_get0_subject_key_id(certificate))
		return bad("the certificate has no subject key identifier", fault);
	if (at + 1 < imported->count &&
	    (X509_check_issued(imported->certificates[at + 1], certificate) !=
		 X509_V_OK ||
	     X509_verify(certificate, X509_get0_pubkey(imported->certificates[at + 1])) !=
		 1))
		return bad("a certificate is not signed by the next one", fault);
	return TOBI_OK;
}

static enum tobi_err check_imported(struct imported *imported, EVP_PKEY *key, int64_t now,
				    struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < imported->count && !err; i++) {
		err = chain_read_certificate(imported->list[i], object,
					     &imported->certificates[i], fault);
		if (!err)
			err = chain_write_pem(imported->list[i], &imported->pem, fault);
	}
	if (!err && (!imported->count ||
		     EVP_PKEY_eq(X509_get0_pubkey(imported->certificates[0]), key) != 1))
		err = bad("the first certificate is not of this CA's key", fault);
	for (size_t i = 0; i < imported->count && !err; i++)
		err = check_one(imported, i, now, fault);
	return err;
}

static enum tobi_err replace(struct broker *broker, const char *owner,
			     struct tobi_bytes chain, struct tobi_fault *fault)
{
	CLEANUP(row_done) struct row row = row_empty();
	uint8_t before[ROW_SEAL_SIZE];
	uint64_t changed = 0;
	enum tobi_err err = find_row(broker, owner, &row, fault);

	bytes_copy(before, sizeof(before), row.mac, sizeof(row.mac));
	row.chain.size = 0;
	wr_bytes(&row.chain, chain.ptr, chain.size);
	if (!err)
		err = wr_err(&row.chain);
	if (!err)
		err = seal_row(broker, owner, &row, fault);
	if (!err)
		err = store_run(
		    broker->db,
		    "UPDATE certificate_authority SET chain = ?, mac = ? WHERE owner = ? "
		    "AND mac = ?",
		    (struct db_value[]){
			db_bytes(chain),
			db_bytes((struct tobi_bytes){row.mac, sizeof(row.mac)}),
			db_text(owner),
			db_bytes((struct tobi_bytes){before, sizeof(before)})},
		    4, NULL, NULL, &changed, fault);
	return !err && !changed ? fault_set(fault, TOBI_E_MISMATCH, object, "",
					    "it was changed meanwhile")
				: err;
}

enum tobi_err authority_import(struct broker *broker, const char *owner,
			       struct tobi_bytes pem, int64_t now,
			       struct tobi_fault *fault)
{
	CLEANUP(authority_done) struct authority authority = {0};
	CLEANUP(imported_done)
	struct imported imported = {.storage = wr_init(CHAIN_SIZE_MAX),
				    .pem = wr_init(CHAIN_SIZE_MAX)};
	enum tobi_err err = authority_get(broker, owner, now, &authority, fault);

	if (!err)
		err = chain_read_pem(pem, object, &imported.storage, imported.list,
				     AUTHORITY_CHAIN_MAX, &imported.count, fault);
	if (!err)
		err = check_imported(&imported, authority.key, now, fault);
	return err ? err : replace(broker, owner, wr_view(&imported.pem), fault);
}

enum tobi_err authority_delete(struct broker *broker, const char *owner,
			       struct tobi_fault *fault)
{
	const struct db_value value = db_text(owner);
	uint64_t erased = 0;
	enum tobi_err err =
	    store_run(broker->db, "DELETE FROM certificate_authority WHERE owner = ?",
		      &value, 1, NULL, NULL, &erased, fault);

	return !err && !erased
		   ? fault_set(fault, TOBI_E_NOT_FOUND, object, "", "there is none yet")
		   : err;
}
