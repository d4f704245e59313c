#include "image/oci_layer.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/fault.h"

enum { CHUNK = 64 << 10 };

DEFINE_CLEANUP(struct archive *, oci_archive_free)

/* What flows from the blob to the tar reader. libarchive's callbacks have no place for a
 * fault: the first one is kept here. */
struct flow {
	const struct oci_layer *layer;
	struct oci_blob blob;
	struct oci_hash diff;
	struct archive *unpack;
	uint8_t *packed, *plain; /* CHUNK each */
	enum tobi_err err;
	struct tobi_fault fault;
};

static void flow_done(struct flow *flow)
{
	oci_archive_free(flow->unpack);
	oci_blob_done(&flow->blob);
	oci_hash_done(&flow->diff);
	free(flow->packed);
	free(flow->plain);
}

static la_ssize_t stop_reading(struct archive *archive, struct flow *flow,
			       enum tobi_err err)
{
	flow->err = err;
	archive_set_error(archive, EIO, "stopped");
	return ARCHIVE_FATAL;
}

static la_ssize_t read_packed(struct archive *archive, void *context, const void **block)
{
	struct flow *flow = context;
	size_t size = 0;
	enum tobi_err err = flow->err;

	if (!err)
		err = oci_stopped(flow->layer->stop, &flow->fault);
	if (!err)
		err =
		    oci_blob_read(&flow->blob, flow->packed, CHUNK, &size, &flow->fault);
	if (err)
		return stop_reading(archive, flow, err);
	*block = flow->packed;
	return (la_ssize_t)size;
}

static la_ssize_t read_plain(struct archive *archive, void *context, const void **block)
{
	struct flow *flow = context;
	const struct oci_layer *layer = flow->layer;
	la_ssize_t got = archive_read_data(flow->unpack, flow->plain, CHUNK);
	enum tobi_err err = flow->err;

	if (got < 0) {
		if (!err)
			err = oci_archive_fault(flow->unpack, layer->object, "packed",
						&flow->fault);
		return stop_reading(archive, flow, err);
	}
	if ((uint64_t)got > layer->budget->bytes)
		return stop_reading(
		    archive, flow,
		    fault_set(&flow->fault, TOBI_E_LIMIT, layer->object, "",
			      "the layers have too many bytes when they are unpacked"));
	layer->budget->bytes -= (uint64_t)got;
	err = oci_hash_add(&flow->diff, (struct tobi_bytes){flow->plain, (size_t)got},
			   &flow->fault);
	if (err)
		return stop_reading(archive, flow, err);
	*block = flow->plain;
	return got;
}

/* A fault of the flow beneath explains what libarchive says of it. */
static enum tobi_err explain(const struct flow *flow, enum tobi_err err,
			     struct tobi_fault *fault)
{
	if (!err || !flow->err)
		return err;
	if (fault)
		*fault = flow->fault;
	return flow->err;
}

static enum tobi_err open_flow(struct flow *flow, struct tobi_fault *fault)
{
	const struct oci_layer *layer = flow->layer;
	enum tobi_err err = oci_blob_open(layer->source, layer->descriptor, layer->object,
					  &flow->blob, fault);

	if (!err)
		err = oci_hash_init(layer->diff_id, &flow->diff, fault);
	flow->packed = malloc(CHUNK);
	flow->plain = malloc(CHUNK);
	if (!err && (!flow->packed || !flow->plain))
		err = fault_set(fault, TOBI_E_MEMORY, layer->object, "", "out of memory");
	if (!err)
		err = oci_unpack_open(read_packed, flow, layer->object, &flow->unpack,
				      fault);
	return err;
}

/* What the tar reader leaves, so that all was read and all is compared. */
static enum tobi_err finish_flow(struct flow *flow, struct archive *archive,
				 struct tobi_fault *fault)
{
	const void *block;
	la_ssize_t got = 1;
	enum tobi_err err;

	while (got > 0)
		got = read_plain(archive, flow, &block);
	if (got < 0)
		return explain(flow, TOBI_E_MALFORMED, fault);
	err = oci_blob_finish(&flow->blob, fault);
	return err ? err
		   : oci_hash_finish(&flow->diff, flow->layer->object, "diff_id", fault);
}

/* Where in the layer it was. */
static void add_place(const struct oci_layer *layer, struct archive *archive,
		      size_t number, struct tobi_fault *fault)
{
	la_int64_t at = archive_read_header_position(archive);

	if (!fault)
		return;
	snprintf(fault->object, sizeof(fault->object), "%s", layer->object);
	snprintf(fault->field, sizeof(fault->field), "entry %zu", number);
	fault->has_offset = true;
	fault->offset = at > 0 ? (uint64_t)at : 0;
}

static enum tobi_err read_entries(const struct oci_layer *layer, struct flow *flow,
				  struct archive *archive, oci_entry_fn *take,
				  void *context, struct tobi_fault *fault)
{
	for (size_t number = 0;; number++) {
		struct archive_entry *entry = NULL;
		enum tobi_err err = oci_tar_next(archive, layer->object, &entry, fault);

		if (err)
			return explain(flow, err, fault);
		if (!entry)
			return TOBI_OK;
		if (!layer->budget->entries)
			return fault_set(fault, TOBI_E_LIMIT, layer->object, "",
					 "the layers have too many entries");
		layer->budget->entries--;
		err = take(context, archive, entry, fault);
		if (err && !flow->err)
			add_place(layer, archive, number, fault);
		if (err)
			return explain(flow, err, fault);
	}
}

enum tobi_err oci_layer_read(const struct oci_layer *layer, oci_entry_fn *take,
			     void *context, struct tobi_fault *fault)
{
	CLEANUP(flow_done)
	struct flow flow = {.layer = layer, .blob.stream.fd = -1};
	CLEANUP(oci_archive_freep) struct archive *archive = NULL;
	enum tobi_err err = open_flow(&flow, fault);

	if (!err)
		err =
		    oci_tar_open(read_plain, NULL, &flow, layer->object, &archive, fault);
	if (err)
		return explain(&flow, err, fault);
	err = read_entries(layer, &flow, archive, take, context, fault);
	return err ? err : finish_flow(&flow, archive, fault);
}
