#include "corim/write.h"

#include <stdio.h>

#include "base/fault.h"
#include "base/hex.h"
#include "base/limits.h"
#include "codec/cbor.h"
#include "corim/reader.h"
#include "pki/key.h"
#include "tee/measure.h"

enum { SHOWN_ID = 16, TAG_CREATOR = 0, MODULE_MAX = 4096 };

/* {0: {1: vendor, 2: model}} */
static void write_environment(struct writer *out)
{
	cbor_write_map(out, 1);
	cbor_write_uint(out, 0);
	cbor_write_map(out, 2);
	cbor_write_uint(out, 1);
	cbor_write_text(out, MEASURE_VENDOR);
	cbor_write_uint(out, 2);
	cbor_write_text(out, MEASURE_MODEL);
}

/* {0: mkey, 1: {of so many values */
static void open_measurement(struct writer *out, const char *mkey, size_t count)
{
	cbor_write_map(out, 2);
	cbor_write_uint(out, 0);
	cbor_write_text(out, mkey);
	cbor_write_uint(out, 1);
	cbor_write_map(out, count);
}

static void write_svn(struct writer *out, uint64_t svn)
{
	cbor_write_uint(out, 1);
	cbor_write_tag(out, CORIM_TAG_SVN);
	cbor_write_uint(out, svn);
}

static void write_digest(struct writer *out, struct tobi_bytes digest)
{
	cbor_write_uint(out, 2);
	cbor_write_array(out, 1);
	cbor_write_array(out, 2);
	cbor_write_uint(out, TEE_SHA384);
	cbor_write_bytes(out, digest);
}

static void write_reference(struct writer *out, const struct corim_image *image)
{
	cbor_write_array(out, 1);
	cbor_write_array(out, 2);
	write_environment(out);
	cbor_write_array(out, 2);
	open_measurement(out, MEASURE_IMAGE, 3);
	write_svn(out, image->svn);
	write_digest(out, image->image_id);
	cbor_write_uint(out, 3);
	cbor_write_map(out, 1);
	cbor_write_uint(out, TEE_FLAG_DEBUG);
	cbor_write_bool(out, image->debug);
	open_measurement(out, MEASURE_PRODUCT, 1);
	write_svn(out, image->product);
}

/* The name, on the condition that it is this image. */
static void write_name(struct writer *out, const struct corim_image *image)
{
	cbor_write_array(out, 1);
	cbor_write_array(out, 2);
	cbor_write_array(out, 1);
	cbor_write_array(out, 2);
	write_environment(out);
	cbor_write_array(out, 1);
	open_measurement(out, MEASURE_IMAGE, 1);
	write_digest(out, image->image_id);
	cbor_write_array(out, 1);
	cbor_write_array(out, 2);
	write_environment(out);
	cbor_write_array(out, 1);
	open_measurement(out, MEASURE_IMAGE, 1);
	cbor_write_uint(out, 11);
	cbor_write_text_bytes(out, image->name);
}

/* {1: {0: tag-id}, 2: [entity], 4: {0: references, 10: conditional endorsements}} */
static void write_module(struct writer *out, const struct corim_image *image,
			 const char *id)
{
	cbor_write_map(out, 3);
	cbor_write_uint(out, 1);
	cbor_write_map(out, 1);
	cbor_write_uint(out, 0);
	cbor_write_text(out, id);
	cbor_write_uint(out, 2);
	cbor_write_array(out, 1);
	cbor_write_map(out, 2);
	cbor_write_uint(out, 0);
	cbor_write_text(out, "tobichi build");
	cbor_write_uint(out, 2);
	cbor_write_array(out, 1);
	cbor_write_uint(out, TAG_CREATOR);
	cbor_write_uint(out, 4);
	cbor_write_map(out, image->name.size ? 2 : 1);
	cbor_write_uint(out, 0);
	write_reference(out, image);
	if (image->name.size) {
		cbor_write_uint(out, 10);
		write_name(out, image);
	}
}

enum tobi_err corim_write_image(const struct corim_image *image, struct writer *out,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer module = wr_init(MODULE_MAX);
	char id[64], hex[2 * SHA384_SIZE + 1];
	enum tobi_err err;

	if (image->image_id.size != SHA384_SIZE)
		return fault_set(fault, TOBI_E_ARGUMENT, "CoRIM", "image id",
				 "48 bytes are needed");
	hex_write(image->image_id, hex, sizeof(hex));
	snprintf(id, sizeof(id), "tobichi:image:%.*s", 2 * SHOWN_ID, hex);
	write_module(&module, image, id);
	cbor_write_tag(out, CORIM_TAG_CORIM);
	cbor_write_map(out, 3);
	cbor_write_uint(out, 0);
	cbor_write_text(out, id);
	cbor_write_uint(out, 1);
	cbor_write_array(out, 1);
	cbor_write_tag(out, CORIM_TAG_COMID);
	cbor_write_bytes(out, wr_view(&module));
	cbor_write_uint(out, 3);
	cbor_write_tag(out, CORIM_TAG_URI);
	cbor_write_text(out, CORIM_PROFILE);
	err = wr_err(&module) ? wr_err(&module) : wr_err(out);
	return err ? fault_set(fault, err, "CoRIM", "", "there is no room for it")
		   : TOBI_OK;
}
