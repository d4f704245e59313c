#include "image/oci_blob.h"

#include "base/cleanup.h"
#include "base/fault.h"

enum { CHUNK = 64 << 10 };

static enum tobi_err wrong_size(const struct oci_blob *blob, uint64_t found,
				struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MISMATCH, blob->object, "size",
			 "it should be %llu bytes, but it is %llu; fetch the image again",
			 (unsigned long long)blob->descriptor->size,
			 (unsigned long long)found);
}

enum tobi_err oci_blob_open(const struct oci_source *source,
			    const struct oci_descriptor *descriptor, const char *object,
			    struct oci_blob *ret_blob, struct tobi_fault *fault)
{
	struct oci_blob blob = {.descriptor = descriptor, .object = object};
	enum tobi_err err =
	    oci_stream_open(source, descriptor->name, &blob.stream, fault);

	if (err)
		return err;
	if (descriptor->has_size && blob.stream.size != descriptor->size)
		err = wrong_size(&blob, blob.stream.size, fault);
	if (!err)
		err = oci_hash_init(&descriptor->digest, &blob.hash, fault);
	if (err)
		oci_stream_done(&blob.stream);
	else
		*ret_blob = blob;
	return err;
}

enum tobi_err oci_blob_read(struct oci_blob *blob, uint8_t *out, size_t room,
			    size_t *ret_size, struct tobi_fault *fault)
{
	size_t size = 0;
	enum tobi_err err = oci_stream_read(&blob->stream, out, room, &size, fault);

	if (err)
		return err;
	blob->got += size;
	/* A file may have grown since it was opened. */
	if (blob->descriptor->has_size && blob->got > blob->descriptor->size)
		return wrong_size(blob, blob->got, fault);
	*ret_size = size;
	return oci_hash_add(&blob->hash, (struct tobi_bytes){out, size}, fault);
}

enum tobi_err oci_blob_finish(struct oci_blob *blob, struct tobi_fault *fault)
{
	CLEANUP(freep) uint8_t *chunk = malloc(CHUNK);
	size_t size = 1;
	enum tobi_err err = TOBI_OK;

	if (!chunk)
		return fault_set(fault, TOBI_E_MEMORY, blob->object, "", "out of memory");
	while (!err && size)
		err = oci_blob_read(blob, chunk, CHUNK, &size, fault);
	if (!err && blob->descriptor->has_size && blob->got != blob->descriptor->size)
		err = wrong_size(blob, blob->got, fault);
	return err ? err : oci_hash_finish(&blob->hash, blob->object, "digest", fault);
}

void oci_blob_done(struct oci_blob *blob)
{
	oci_stream_done(&blob->stream);
	oci_hash_done(&blob->hash);
}

enum tobi_err oci_blob_check(const struct oci_source *source,
			     const struct oci_descriptor *descriptor, const char *object,
			     struct tobi_fault *fault)
{
	CLEANUP(oci_blob_done) struct oci_blob blob = {.stream.fd = -1};
	enum tobi_err err = oci_blob_open(source, descriptor, object, &blob, fault);

	return err ? err : oci_blob_finish(&blob, fault);
}

enum tobi_err oci_blob_load(const struct oci_source *source,
			    const struct oci_descriptor *descriptor, const char *object,
			    struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(oci_blob_done) struct oci_blob blob = {.stream.fd = -1};
	CLEANUP(freep) uint8_t *chunk = malloc(CHUNK);
	size_t size = 1;
	enum tobi_err err;

	if (!chunk)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	err = oci_blob_open(source, descriptor, object, &blob, fault);
	if (!err && blob.stream.size > LIMIT_OCI_JSON)
		err = fault_set(fault, TOBI_E_LIMIT, object, "", "over %d bytes",
				LIMIT_OCI_JSON);
	while (!err && size) {
		err = oci_blob_read(&blob, chunk, CHUNK, &size, fault);
		if (!err)
			wr_bytes(out, chunk, size);
		if (!err && wr_err(out))
			err = fault_set(fault, wr_err(out), object, "", "over %d bytes",
					LIMIT_OCI_JSON);
	}
	return err ? err : oci_blob_finish(&blob, fault);
}
