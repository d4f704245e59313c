#include "image/signatures.h"

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cose.h"
#include "image/fields.h"

static const char object[] = "signatures";
static const char content_type[] = "application/vnd.tobichi.manifest+cbor";

enum { SPKI_MAX = 512, COSE_MAX = 2048 };

/* The unprotected map, which follows the protected bytes, is the empty one. */
static bool has_empty_unprotected(struct tobi_bytes cose, const struct cose_sign1 *sign1)
{
	size_t end =
	    (size_t)(sign1->protected_bytes.ptr - cose.ptr) + sign1->protected_bytes.size;

	return end < cose.size && cose.ptr[end] == 0xa0;
}

static enum tobi_err verify(const struct signature *one, struct tobi_bytes manifest_bytes,
			    struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct cose_sign1 sign1;
	enum tobi_err err;

	err = key_read_spki(one->spki, object, &key, fault);
	if (err)
		return err;
	err = cose_parse(one->cose, true, COSE_TAGGED, object, &sign1, fault);
	if (err)
		return err;
	if (sign1.alg != COSE_ES256 && sign1.alg != COSE_ES384 && sign1.alg != COSE_EDDSA)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "alg",
				 "only ES256, ES384 and EdDSA sign images");
	if (!bytes_equal_text(sign1.content_type, content_type))
		return fault_set(fault, TOBI_E_MALFORMED, object, "content-type",
				 "it must be %s", content_type);
	if (sign1.payload.ptr)
		return fault_set(fault, TOBI_E_MALFORMED, object, "payload",
				 "it must be detached");
	if (!has_empty_unprotected(one->cose, &sign1))
		return fault_set(fault, TOBI_E_MALFORMED, object, "unprotected",
				 "the unprotected header must be empty");
	return cose_verify(&sign1, key, (struct tobi_bytes){0}, manifest_bytes, object,
			   fault);
}

static void parse_entry(struct fields *in, struct signature *ret_one)
{
	in->start = rd_offset(&in->cbor.rd);
	if (cbor_array(&in->cbor, 2, "entry") != 2)
		fields_refuse(in, TOBI_E_MALFORMED, "entry", "it must have two parts");
	ret_one->spki = cbor_bytes(&in->cbor, SPKI_MAX, "entry.key");
	ret_one->cose = cbor_bytes(&in->cbor, COSE_MAX, "entry.signature");
	if (!fields_failed(in) && hash_sha384(ret_one->spki, ret_one->signer))
		fields_refuse(in, TOBI_E_CRYPTO, "entry.key", "it could not be hashed");
}

static struct tobi_bytes signer_of(const struct signature *one)
{
	return (struct tobi_bytes){one->signer, SHA384_SIZE};
}

enum tobi_err signatures_parse(struct tobi_bytes bytes, struct tobi_bytes manifest_bytes,
			       struct signature *ret_list, size_t *ret_count,
			       struct tobi_fault *fault)
{
	struct fields in = fields_init(bytes);
	struct signature list[LIMIT_SIGNERS] = {0};
	enum tobi_err err;
	size_t count = cbor_array(&in.cbor, LIMIT_SIGNERS, "count");

	for (size_t i = 0; i < count && !fields_failed(&in); i++) {
		parse_entry(&in, &list[i]);
		if (i > 0 && !fields_failed(&in) &&
		    bytes_compare(signer_of(&list[i - 1]), signer_of(&list[i])) >= 0)
			fields_refuse(
			    &in, TOBI_E_MALFORMED, "entry",
			    "the entries must be in the order of signer ids, each once");
	}
	err = fields_finish(&in, object, fault);
	for (size_t i = 0; !err && i < count; i++)
		err = verify(&list[i], manifest_bytes, fault);
	if (err)
		return err;
	if (count)
		bytes_copy(ret_list, LIMIT_SIGNERS * sizeof(list[0]), list,
			   count * sizeof(list[0]));
	*ret_count = count;
	return TOBI_OK;
}

static int compare_signatures(const void *a, const void *b)
{
	return bytes_compare(signer_of(a), signer_of(b));
}

/* spki and cose hold the new signature's bytes. */
static enum tobi_err make_signature(EVP_PKEY *key, struct tobi_bytes manifest_bytes,
				    struct writer *spki, struct writer *cose,
				    struct signature *ret_one, struct tobi_fault *fault)
{
	const struct cose_headers headers = {.content_type = content_type};
	struct cose_signer signer;
	enum tobi_err err;

	err = key_spki(key, spki, fault);
	if (!err)
		err = cose_signer_for_key(key, &signer, fault);
	if (!err)
		err = cose_write(cose, &signer, &headers, manifest_bytes, true, fault);
	if (err)
		return err;
	ret_one->spki = wr_view(spki);
	ret_one->cose = wr_view(cose);
	return hash_sha384(ret_one->spki, ret_one->signer);
}

static void write_list(const struct signature *list, size_t count, struct writer *out)
{
	cbor_write_array(out, count);
	for (size_t i = 0; i < count; i++) {
		cbor_write_array(out, 2);
		cbor_write_bytes(out, list[i].spki);
		cbor_write_bytes(out, list[i].cose);
	}
}

enum tobi_err signatures_write(const struct signature *list, size_t count, EVP_PKEY *key,
			       struct tobi_bytes manifest_bytes, struct writer *out,
			       struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer spki = wr_init(SPKI_MAX);
	CLEANUP(wr_done) struct writer cose = wr_init(COSE_MAX);
	struct signature all[LIMIT_SIGNERS + 1], added;
	size_t total = 0;
	enum tobi_err err;

	if (key) {
		err = make_signature(key, manifest_bytes, &spki, &cose, &added, fault);
		if (err)
			return err;
		all[total++] = added;
	}
	for (size_t i = 0; i < count; i++) {
		if (!key || !bytes_equal(signer_of(&list[i]), signer_of(&added)))
			all[total++] = list[i];
	}
	if (total > LIMIT_SIGNERS)
		return fault_set(fault, TOBI_E_LIMIT, object, "count",
				 "an image takes at most %d signatures", LIMIT_SIGNERS);
	qsort(all, total, sizeof(all[0]), compare_signatures);
	write_list(all, total, out);
	if (wr_err(out))
		return fault_set(fault, wr_err(out), object, "", "no room for them");
	return TOBI_OK;
}
