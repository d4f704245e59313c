#include "tee/tpm_parts.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "codec/cbor.h"
#include "codec/der.h"
#include "tee/event_log.h"
#include "tee/google_message.h"
#include "tee/nitro_document.h"
#include "tee/tpm_structs.h"

enum { ENDORSEMENTS_MAX = 32, STATEMENT_HEAD = 6 };

DEFINE_CLEANUP(BIO *, BIO_free_all)

static void add(struct tpm_parts *parts, struct tpm_bytes_list *list,
		struct tobi_bytes bytes)
{
	for (size_t i = 0; i < list->count; i++) {
		if (bytes_equal(list->items[i], bytes))
			return;
	}
	if (list->count == TPM_PARTS_EACH)
		parts->too_many = true;
	else
		list->items[list->count++] = bytes;
}

static void add_certificate(struct tpm_parts *parts, struct tobi_bytes der)
{
	for (size_t i = 0; i < parts->certificate_count; i++) {
		if (bytes_equal(parts->certificates[i], der))
			return;
	}
	if (parts->certificate_count == TPM_PARTS_CERTIFICATES)
		parts->too_many = true;
	else
		parts->certificates[parts->certificate_count++] = der;
}

void tpm_parts_add_pcr(struct tpm_parts *parts, unsigned hash, uint64_t index,
		       struct tobi_bytes value)
{
	struct tpm_bank *bank = NULL;

	for (size_t i = 0; i < parts->bank_count && !bank; i++) {
		if (parts->banks[i].hash == hash)
			bank = &parts->banks[i];
	}
	if (!bank && parts->bank_count < TPM_BANKS_MAX) {
		bank = &parts->banks[parts->bank_count++];
		bank->hash = hash;
	}
	if (!bank || index >= TPM_PCRS) {
		parts->too_many = true;
		return;
	}
	if (!bank->pcrs[index].size)
		bank->pcrs[index] = value;
	else if (!bytes_equal(bank->pcrs[index], value))
		parts->twice = true;
}

void tpm_parts_add_pem(struct tpm_parts *parts, struct tobi_bytes pem)
{
	CLEANUP(BIO_free_allp)
	BIO *bio = BIO_new_mem_buf(pem.ptr, (int)pem.size);
	char *name = NULL, *header = NULL;
	unsigned char *bytes = NULL;
	long size = 0;

	while (bio && PEM_read_bio(bio, &name, &header, &bytes, &size) == 1) {
		struct tobi_bytes der =
		    arena_copy(parts->arena, (struct tobi_bytes){bytes, (size_t)size});

		if (!der.ptr)
			parts->too_many = true;
		else if (strcmp(name, "CERTIFICATE") == 0)
			add_certificate(parts, der);
		else if (strcmp(name, "PUBLIC KEY") == 0)
			add(parts, &parts->keys, der);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(bytes);
	}
	ERR_clear_error();
}

static bool starts(struct tobi_bytes bytes, const char *text)
{
	size_t size = strlen(text);

	return bytes.size >= size && memcmp(bytes.ptr, text, size) == 0;
}

/* SEQUENCE, and then: an INTEGER (ECDSA's r), an OID two levels down (a key's algorithm),
 * or what a certificate begins with. */
static bool add_der(struct tpm_parts *parts, struct tobi_bytes bytes)
{
	struct reader rd = rd_init(bytes);
	struct reader outer = der_enter(&rd, DER_SEQUENCE, "DER");
	struct reader inner;

	if (rd_failed(&rd) || rd_left(&rd) || !rd_left(&outer))
		return false;
	if (outer.start[outer.pos] == DER_INTEGER) {
		add(parts, &parts->signatures, bytes);
		return true;
	}
	inner = der_enter(&outer, DER_SEQUENCE, "DER");
	if (rd_failed(&outer) || !rd_left(&inner))
		return false;
	if (inner.start[inner.pos] == DER_OID)
		add(parts, &parts->keys, bytes);
	else
		add_certificate(parts, bytes);
	return true;
}

/* Of a TPM2B_ATTEST: two bytes stand before it. */
static struct tobi_bytes without_size(struct tobi_bytes bytes)
{
	if (bytes.size > STATEMENT_HEAD + 2 && load_be(bytes.ptr, 2) == bytes.size - 2 &&
	    load_be(bytes.ptr + 2, 4) == TPM_GENERATED)
		return (struct tobi_bytes){bytes.ptr + 2, bytes.size - 2};
	return bytes;
}

static bool add_statement(struct tpm_parts *parts, struct tobi_bytes bytes)
{
	bytes = without_size(bytes);
	if (bytes.size < STATEMENT_HEAD || load_be(bytes.ptr, 4) != TPM_GENERATED)
		return false;
	if (load_be(bytes.ptr + 4, 2) == TPM_ATTEST_CERTIFY && !parts->certify.size)
		parts->certify = bytes;
	else if (load_be(bytes.ptr + 4, 2) == TPM_ATTEST_QUOTE && !parts->quote.size)
		parts->quote = bytes;
	else if (!bytes_equal(bytes, parts->quote) && !bytes_equal(bytes, parts->certify))
		parts->twice = true;
	return true;
}

static bool add_structure(struct tpm_parts *parts, struct tobi_bytes bytes)
{
	struct tobi_bytes inner = bytes;
	struct tpm_signature signature;
	struct tpm_public public;

	if (bytes.size > 2 && load_be(bytes.ptr, 2) == bytes.size - 2)
		inner = (struct tobi_bytes){bytes.ptr + 2, bytes.size - 2};
	if (!tpm_public_parse(bytes, &public, NULL))
		add(parts, &parts->publics, bytes);
	else if (!tpm_public_parse(inner, &public, NULL))
		add(parts, &parts->publics, inner); /* TPM2B_PUBLIC */
	else if (!tpm_signature_parse(bytes, &signature, NULL))
		add(parts, &parts->signatures, bytes);
	else
		return false;
	return true;
}

static void add_nitro(struct tpm_parts *parts, struct tobi_bytes document)
{
	if (!parts->nitro.size)
		parts->nitro = document;
	else if (!bytes_equal(parts->nitro, document))
		parts->twice = true;
}

void tpm_parts_add(struct tpm_parts *parts, struct tobi_bytes piece)
{
	if (piece.size < 2 || event_log_starts(piece) || add_statement(parts, piece))
		return;
	if (starts(piece, "-----BEGIN"))
		tpm_parts_add_pem(parts, piece);
	else if (nitro_document_kind(piece) == NITRO_TPM)
		add_nitro(parts, piece);
	else if (!(piece.ptr[0] == DER_SEQUENCE && add_der(parts, piece)) &&
		 !add_structure(parts, piece) && !tpm_pcrs_add_serialized(parts, piece) &&
		 !tpm_pcrs_add_text(parts, piece) &&
		 piece.size <= (size_t)TPM_BANKS_MAX * TPM_PCRS * TPM_HASH_MAX)
		add(parts, &parts->plain, piece);
}

/* A document has no other one in it. */
static void add_any(struct tpm_parts *parts, struct tobi_bytes piece)
{
	struct tobi_fault fault = {0};
	enum tobi_err err = TOBI_OK;

	/* A plain signature may begin with any byte. */
	if (piece.size && piece.ptr[0] == '{' && utf8_is_valid(piece))
		err = tpm_json_add(parts, piece, &fault);
	else if (tpm_parsec_starts(piece))
		err = tpm_parsec_add(parts, piece, &fault);
	else if (tpm_keylime_starts(piece))
		err = tpm_keylime_add(parts, piece, &fault);
	else if (google_message_starts(piece))
		err = google_message_add(parts, piece, &fault);
	else
		tpm_parts_add(parts, piece);
	if (err && !parts->unread.code)
		parts->unread = fault;
}

static bool is_document(struct tobi_bytes evidence)
{
	return tpm_json_starts(evidence) || tpm_parsec_starts(evidence) ||
	       tpm_keylime_starts(evidence) || google_message_starts(evidence);
}

bool tpm_parts_recognise(struct tobi_bytes evidence)
{
	struct tpm_parts parts = {0};

	return is_document(evidence) ||
	       (add_statement(&parts, evidence) && parts.quote.size);
}

static void add_endorsements(struct tpm_parts *parts, struct tobi_bytes bytes)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct tobi_bytes members[ENDORSEMENTS_MAX];
	size_t count;

	if (bytes.size == 0)
		return;
	count = cbor_array(&cbor, ENDORSEMENTS_MAX, "endorsements");
	for (size_t i = 0; i < count; i++)
		members[i] = cbor_bytes(&cbor, LIMIT_EVIDENCE, "endorsements");
	if (cbor_finish(&cbor, "endorsements", &parts->unread))
		return;
	for (size_t i = 0; i < count; i++)
		add_any(parts, members[i]);
}

enum tobi_err tpm_parts_read(const struct tee_request *request, struct arena *arena,
			     struct tpm_parts *ret_parts, struct tobi_fault *fault)
{
	struct tpm_parts *parts = ret_parts;
	const struct collateral_item *item;

	*parts = (struct tpm_parts){.arena = arena};
	/* Whatever is no document is taken for a statement: its checks say what it is. */
	if (is_document(request->evidence))
		add_any(parts, request->evidence);
	else
		parts->quote = without_size(request->evidence);
	if (parts->unread.code) {
		if (fault)
			*fault = parts->unread;
		return parts->unread.code;
	}
	if (!parts->quote.size)
		return fault_set(fault, TOBI_E_MALFORMED, "TPM evidence", "quote",
				 "there is none in it");
	for (size_t i = 0; i < request->piece_count; i++)
		add_any(parts, request->pieces[i]);
	add_endorsements(parts, request->endorsements);
	for (size_t i = 0; (item = collateral_at(request->collateral, i)); i++) {
		if (item->kind == COLLATERAL_CERTIFICATE)
			add_any(parts, item->data);
	}
	return TOBI_OK;
}
