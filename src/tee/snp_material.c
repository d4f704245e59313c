#include "tee/snp_material.h"

#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "tee/snp_certificate.h"

#define OBJECT "SNP certificates"

DEFINE_CLEANUP(BIO *, BIO_free_all)

enum { ENDORSEMENTS_MAX = 16, DER_SEQUENCE = 0x30 };

static void add_part(struct snp_parts *parts, struct tobi_bytes part)
{
	if (part.size == 0)
		return;
	if (parts->count == SNP_PARTS_MAX) {
		parts->too_many = true;
		return;
	}
	parts->items[parts->count++] = part;
}

/* The same form as of a soft platform's chain: an array of byte strings. */
static void add_endorsements(struct snp_parts *parts, struct tobi_bytes bytes)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct tobi_bytes members[ENDORSEMENTS_MAX];
	size_t count;

	if (bytes.size == 0)
		return;
	count = cbor_array(&cbor, ENDORSEMENTS_MAX, "endorsements");
	for (size_t i = 0; i < count; i++)
		members[i] = cbor_bytes(&cbor, LIMIT_CERTIFICATE, "endorsements");
	if (cbor_finish(&cbor, "endorsements", NULL))
		return;
	for (size_t i = 0; i < count; i++)
		add_part(parts, members[i]);
}

static bool has_text(struct tobi_bytes bytes, const char *text)
{
	return bytes.ptr && memmem(bytes.ptr, bytes.size, text, strlen(text));
}

/* A fleet's set has a certificate for each chip and version: in DER a VCEK has its chip's
 * id as it is in the report, and a VLEK its name. */
static bool may_be_leaf(struct tobi_bytes data, const struct snp_report *report)
{
	size_t size = SNP_CHIP_SIZE;

	if (data.size == 0 || data.ptr[0] != DER_SEQUENCE)
		return true;
	if (snp_report_key(report) == SNP_KEY_VLEK)
		return has_text(data, "SEV-VLEK");
	if (snp_is_zero(report->chip_id))
		return has_text(data, "SEV-VCEK");
	if (snp_is_zero((struct tobi_bytes){report->chip_id.ptr + 8, size - 8}))
		size = 8;
	return memmem(data.ptr, data.size, report->chip_id.ptr, size) != NULL;
}

static bool is_wanted(const struct tee_request *request,
		      const struct collateral_item *item, const struct snp_report *report)
{
	if (item->kind == COLLATERAL_SNP_CRL) /* the newest of its name */
		return collateral_find_at(request->collateral, item->kind, item->name,
					  request->time) == item;
	return item->kind == COLLATERAL_SNP_ISSUER ||
	       (item->kind == COLLATERAL_SNP_LEAF && may_be_leaf(item->data, report));
}

void snp_parts_list(const struct tee_request *request, const struct snp_report *report,
		    const struct snp_table *table, struct snp_parts *ret_parts)
{
	const struct collateral_item *item;

	*ret_parts = (struct snp_parts){0};
	for (size_t i = 0; table && i < table->count; i++) {
		if (table->entries[i].kind != SNP_TABLE_OTHER)
			add_part(ret_parts, table->entries[i].data);
	}
	for (size_t i = 0; i < request->piece_count; i++)
		add_part(ret_parts, request->pieces[i]);
	add_endorsements(ret_parts, request->endorsements);
	ret_parts->beside = ret_parts->count;
	for (size_t i = 0; (item = collateral_at(request->collateral, i)); i++) {
		if (!is_wanted(request, item, report))
			continue;
		add_part(ret_parts, item->data);
		add_part(ret_parts, item->chain);
	}
}

static void add_certificate(struct snp_material *material, X509 *certificate)
{
	bool leaf = snp_leaf_is_named(certificate);
	X509 **to = leaf ? material->leaves : material->issuers;
	size_t *count = leaf ? &material->leaf_count : &material->issuer_count;
	size_t room = leaf ? SNP_LEAVES_MAX : PINNED_CERTIFICATES_MAX;

	for (size_t i = 0; i < *count; i++) {
		if (X509_cmp(to[i], certificate) == 0) {
			X509_free(certificate);
			return;
		}
	}
	if (*count == room) {
		material->too_many = true;
		X509_free(certificate);
		return;
	}
	to[(*count)++] = certificate;
}

static void keep_fault(struct snp_material *material, const struct tobi_fault *fault)
{
	if (material->unread.code == TOBI_OK)
		material->unread = *fault;
}

static void read_crl(struct snp_material *material, struct tobi_bytes bytes)
{
	struct tobi_fault fault = {0};
	X509_CRL *crl = NULL;

	if (crl_read(bytes, OBJECT, &crl, &fault)) {
		keep_fault(material, &fault);
	} else if (material->crl_count == SNP_CRLS_MAX) {
		material->too_many = true;
		X509_CRL_free(crl);
	} else {
		material->crl_is_collateral[material->crl_count] =
		    material->in_collateral;
		material->crls[material->crl_count++] = crl;
	}
}

/* A certificate, else a list. */
static void read_der(struct snp_material *material, struct tobi_bytes der)
{
	struct tobi_fault fault = {0};
	X509 *certificate = NULL;

	if (!chain_read_certificate(der, OBJECT, &certificate, &fault))
		add_certificate(material, certificate);
	else
		read_crl(material, der);
}

/* Every block of a kind that is known here; certificates and lists may be mixed. */
static void read_pem(struct snp_material *material, struct tobi_bytes pem)
{
	CLEANUP(BIO_free_allp) BIO *bio = NULL;
	bool more = pem.size <= LIMIT_PEM;

	if (!more)
		material->too_many = true;
	bio = more ? BIO_new_mem_buf(pem.ptr, (int)pem.size) : NULL;
	while (bio && more) {
		char *name = NULL, *header = NULL;
		uint8_t *data = NULL;
		long size = 0;

		more = PEM_read_bio(bio, &name, &header, &data, &size) == 1;
		if (more && strcmp(name, PEM_STRING_X509) == 0)
			read_der(material, (struct tobi_bytes){data, (size_t)size});
		else if (more && strcmp(name, PEM_STRING_X509_CRL) == 0)
			read_crl(material, (struct tobi_bytes){data, (size_t)size});
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(data);
	}
	ERR_clear_error();
}

static void read_table(struct snp_material *material, struct tobi_bytes bytes)
{
	struct snp_table table = {0};
	struct tobi_fault fault = {0};

	if (snp_table_parse(bytes, &table, &fault))
		keep_fault(material, &fault);
	for (size_t i = 0; i < table.count; i++) {
		if (table.entries[i].kind == SNP_TABLE_CRL)
			read_crl(material, table.entries[i].data);
		else if (table.entries[i].kind != SNP_TABLE_OTHER)
			read_der(material, table.entries[i].data);
	}
}

/* What Azure's THIM service answers: PEM in members of a JSON object. */
static void read_json(struct snp_material *material, struct tobi_bytes bytes)
{
	static const char *const members[] = {"vcekCert", "certificateChain"};
	CLEANUP(json_decrefp) json_t *json = NULL;
	struct tobi_fault fault = {0};

	if (json_parse(bytes, LIMIT_PEM, OBJECT, &json, &fault)) {
		keep_fault(material, &fault);
		return;
	}
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *text = json_string_value(json_object_get(json, members[i]));

		if (text)
			read_pem(material, bytes_of_text(text));
	}
}

void snp_material_read(const struct snp_parts *parts, struct snp_material *ret_material)
{
	*ret_material = (struct snp_material){.too_many = parts->too_many};
	for (size_t i = 0; i < parts->count; i++) {
		struct tobi_bytes part = parts->items[i];

		ret_material->in_collateral = i >= parts->beside;
		if (snp_table_recognise(part))
			read_table(ret_material, part);
		else if (has_text(part, "\"vcekCert\""))
			read_json(ret_material, part);
		else if (has_text(part, "-----BEGIN "))
			read_pem(ret_material, part);
		else if (part.ptr[0] == DER_SEQUENCE)
			read_der(ret_material, part);
	}
}

void snp_material_done(struct snp_material *material)
{
	for (size_t i = 0; i < material->leaf_count; i++)
		X509_free(material->leaves[i]);
	for (size_t i = 0; i < material->issuer_count; i++)
		X509_free(material->issuers[i]);
	for (size_t i = 0; i < material->crl_count; i++)
		X509_CRL_free(material->crls[i]);
}

bool snp_material_is(struct tobi_bytes piece)
{
	const struct snp_parts parts = {.items = {piece}, .count = piece.size > 0};
	struct snp_material material;
	bool is;

	snp_material_read(&parts, &material);
	is = material.leaf_count || material.issuer_count || material.crl_count;
	snp_material_done(&material);
	return is;
}
