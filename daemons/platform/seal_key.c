#include "daemons/platform/seal_key.h"

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"

static bool signed_by(const struct image *image, struct tobi_bytes signer)
{
	for (size_t i = 0; i < image->signer_count; i++) {
		if (bytes_equal(signer,
				(struct tobi_bytes){image->signers[i], SHA384_SIZE}))
			return true;
	}
	return false;
}

static enum tobi_err check(const struct image *image, const struct seal_request *request,
			   struct tobi_fault *fault)
{
	if (!request->label.size || request->label.size > SEAL_LABEL_MAX)
		return fault_set(fault, TOBI_E_ARGUMENT, "seal key", "label",
				 "it has 1 to %d bytes", SEAL_LABEL_MAX);
	if (request->kind == SEAL_TO_IMAGE)
		return !request->signer.size && !request->svn
			   ? TOBI_OK
			   : fault_set(fault, TOBI_E_ARGUMENT, "seal key", "kind",
				       "a key of the image has no signer and no "
				       "security version");
	if (!signed_by(image, request->signer))
		return fault_set(fault, TOBI_E_DENIED, "seal key", "signer",
				 "it has not signed this image");
	/* Older versions' keys it may have, to read what they sealed. */
	if (request->svn > image->manifest->svn)
		return fault_set(fault, TOBI_E_DENIED, "seal key", "svn",
				 "this image's security version is %u",
				 image->manifest->svn);
	return TOBI_OK;
}

enum tobi_err seal_key_info(const struct image *image, const struct seal_request *request,
			    struct writer *out, struct tobi_fault *fault)
{
	bool by_image = request->kind == SEAL_TO_IMAGE;
	enum tobi_err err = check(image, request, fault);

	if (err)
		return err;
	cbor_write_map(out, 7);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, 1); /* version */
	cbor_write_uint(out, 1);
	cbor_write_uint(out, request->kind);
	cbor_write_uint(out, 2);
	cbor_write_bytes(out, by_image ? (struct tobi_bytes){image->image_id, SHA384_SIZE}
				       : request->signer);
	cbor_write_uint(out, 3);
	cbor_write_uint(out, by_image ? 0 : image->manifest->product);
	cbor_write_uint(out, 4);
	cbor_write_uint(out, request->svn);
	cbor_write_uint(out, 5);
	cbor_write_text_bytes(out, request->label);
	/* What can be looked into must not have the keys of what cannot. */
	cbor_write_uint(out, 6);
	cbor_write_bool(out, image->manifest->debug);
	return wr_err(out);
}
