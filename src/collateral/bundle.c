#include "collateral/bundle.h"

#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cose.h"

static const char content_type[] = "application/vnd.tobichi.collateral+cbor";

enum {
	COSE_START = 0xd2, /* tag 18 */
	COSE_ARRAY = 0x84,
	EMPTY_MAP = 0xa0,
	COSE_ROOM = 2048, /* headers and signature */
	HEADER_ROOM = 96, /* in which the protected header ends */
};

/* By its content type, as others sign documents in this form, too. */
bool bundle_is(struct tobi_bytes bytes)
{
	size_t start = bytes.size < HEADER_ROOM ? bytes.size : HEADER_ROOM;

	return bytes.size > 1 && bytes.ptr[0] == COSE_START &&
	       bytes.ptr[1] == COSE_ARRAY &&
	       memmem(bytes.ptr, start, content_type, strlen(content_type));
}

enum tobi_err bundle_write(const struct tobi_collateral *set, EVP_PKEY *key,
			   int64_t created, struct writer *out, struct tobi_fault *fault)
{
	const struct cose_headers headers = {.content_type = content_type};
	CLEANUP(wr_done) struct writer spki = wr_init(BUNDLE_SPKI_MAX);
	CLEANUP(wr_done) struct writer list = wr_init(LIMIT_BUNDLE - COSE_ROOM);
	struct collateral_list about = {.created = created};
	struct cose_signer signer;
	enum tobi_err err = key_spki(key, &spki, fault);

	about.spki = wr_view(&spki);
	if (!err)
		err = list_write(set, &about, &list, fault);
	if (!err)
		err = cose_signer_for_key(key, &signer, fault);
	return err ? err
		   : cose_write(out, &signer, &headers, wr_view(&list), false, fault);
}

/* Nothing may stand beside what is signed. */
static enum tobi_err check_form(struct tobi_bytes bytes, const struct cose_sign1 *sign1,
				const char *object, struct tobi_fault *fault)
{
	size_t behind = (size_t)(sign1->protected_bytes.ptr - bytes.ptr) +
			sign1->protected_bytes.size;

	if (sign1->alg != COSE_ES256 && sign1->alg != COSE_ES384 &&
	    sign1->alg != COSE_EDDSA)
		return fault_set(fault, TOBI_E_UNSUPPORTED, object, "alg",
				 "only ES256, ES384 and EdDSA sign bundles");
	if (!bytes_equal_text(sign1->content_type, content_type))
		return fault_set(fault, TOBI_E_MALFORMED, object, "content-type",
				 "it must be %s", content_type);
	if (!sign1->payload.ptr || bytes.ptr[behind] != EMPTY_MAP)
		return fault_set(fault, TOBI_E_MALFORMED, object, "unprotected",
				 "the unprotected header must be empty, and the payload "
				 "attached");
	return TOBI_OK;
}

/* That whoever has the key signed it. Whether the key counts is the policy's to say. */
static enum tobi_err verify(const struct cose_sign1 *sign1, const char *object,
			    struct bundle_about *about, struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	struct collateral_list list;
	enum tobi_err err =
	    list_read(sign1->payload, object, NULL, NULL, &list, &about->count, fault);

	if (!err && !list.spki.size)
		err = fault_set(fault, TOBI_E_MALFORMED, object, "signer",
				"it does not name its signer's key");
	if (!err)
		err = key_read_spki(list.spki, object, &key, fault);
	if (!err)
		err = cose_verify(sign1, key, (struct tobi_bytes){0}, sign1->payload,
				  object, fault);
	if (!err)
		err = hash_sha384(list.spki, about->signer);
	about->created = err ? 0 : list.created;
	return err;
}

enum tobi_err bundle_read(struct tobi_bytes bytes, const char *object,
			  struct tobi_collateral *set, struct bundle_about *ret_about,
			  struct tobi_fault *fault)
{
	struct bundle_about about = {0};
	struct collateral_list list;
	struct cose_sign1 sign1;
	enum tobi_err err;

	if (bytes.size > LIMIT_BUNDLE)
		return fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				 LIMIT_BUNDLE);
	err = cose_parse(bytes, true, COSE_TAGGED, object, &sign1, fault);
	if (!err)
		err = check_form(bytes, &sign1, object, fault);
	if (!err)
		err = verify(&sign1, object, &about, fault);
	if (!err && set)
		err = list_read(sign1.payload, object, about.signer, set, &list,
				&about.count, fault);
	if (err)
		return err;
	*ret_about = about;
	return TOBI_OK;
}

enum tobi_err tobi_collateral_read_bundle(struct tobi_collateral *set,
					  struct tobi_bytes bytes, const char *name,
					  struct tobi_fault *fault)
{
	struct bundle_about about;

	if (!set || (bytes.size && !bytes.ptr))
		return fault_set(fault, TOBI_E_ARGUMENT, "bundle", "",
				 "a set and a bundle are needed");
	return bundle_read(bytes, name && *name ? name : "bundle", set, &about, fault);
}
