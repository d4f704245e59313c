#include "seal_job.h"

#include <openssl/rand.h>
#include <string.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/secret.h"
#include "seal/memfile.h"

#define OBJECT "sealed object"

enum { SLICE = 128 << 10 };

struct seal_job {
	bool opens;
	struct tobi_bytes associated;
	int in, out;
	uint8_t header[SEAL_HEADER_SIZE];
	struct seal_pass *pass;
	size_t size, at; /* of the content */
	uint8_t slice[SLICE];
};

static struct tobi_bytes id_of(const uint8_t id[static SHA384_SIZE])
{
	return (struct tobi_bytes){id, SHA384_SIZE};
}

enum tobi_err seal_choose_signer(const struct seal_identity *identity,
				 enum tobi_seal_to to, struct tobi_bytes named,
				 struct tobi_bytes *ret_signer, struct tobi_fault *fault)
{
	if (to == TOBI_SEAL_TO_IMAGE) {
		*ret_signer = (struct tobi_bytes){0};
		return TOBI_OK;
	}
	if (!identity->signer_count)
		return fault_set(fault, TOBI_E_DENIED, "seal policy", "signer",
				 "nobody has signed this image; build it with --key, or "
				 "seal to the image");
	if (!named.size && identity->signer_count > 1)
		return fault_set(fault, TOBI_E_ARGUMENT, "seal policy", "signer",
				 "%zu have signed this image; name one of them",
				 identity->signer_count);
	for (size_t i = 0; i < identity->signer_count; i++) {
		if (!named.size || bytes_equal(named, id_of(identity->signers[i]))) {
			*ret_signer = id_of(identity->signers[i]);
			return TOBI_OK;
		}
	}
	return fault_set(fault, TOBI_E_DENIED, "seal policy", "signer",
			 "it has not signed this image");
}

static enum tobi_err make_header(const struct seal_identity *identity,
				 const struct ask *ask, uint64_t size,
				 struct seal_header *ret_header, struct tobi_fault *fault)
{
	struct seal_header header = {
	    .to = ask->to, .debug = identity->debug, .size = size};
	struct tobi_bytes signer = {0};
	enum tobi_err err =
	    seal_choose_signer(identity, ask->to, ask->signer, &signer, fault);

	if (err)
		return err;
	if (RAND_bytes(header.salt, sizeof(header.salt)) != 1)
		return fault_openssl(fault, OBJECT, "salt", "no random bytes");
	if (ask->to == TOBI_SEAL_TO_SIGNER) {
		header.product = identity->product;
		header.svn = identity->svn;
	} else {
		signer = id_of(identity->image);
	}
	bytes_copy(header.id, sizeof(header.id), signer.ptr, signer.size);
	*ret_header = header;
	return TOBI_OK;
}

/* The key would be another one in each of these cases, and the tag would not fit: this
 * only says why. */
static enum tobi_err check_header(const struct seal_identity *identity,
				  const struct seal_header *header,
				  struct tobi_fault *fault)
{
	struct tobi_bytes signer;
	enum tobi_err err;

	if (header->debug != identity->debug)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "debug",
				 header->debug
				     ? "a debug image has sealed it, and this is none"
				     : "this is a debug image, and the object is none's");
	if (header->to == TOBI_SEAL_TO_IMAGE)
		return bytes_equal(id_of(header->id), id_of(identity->image))
			   ? TOBI_OK
			   : fault_set(fault, TOBI_E_DENIED, OBJECT, "image",
				       "it is sealed to another image");
	err = seal_choose_signer(identity, header->to, id_of(header->id), &signer, NULL);
	if (err)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "signer",
				 "it is sealed to a signer who has not signed this "
				 "image");
	if (header->product != identity->product)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "product",
				 "it is sealed to product %u; this image is of product "
				 "%u",
				 header->product, identity->product);
	if (header->svn > identity->svn)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "svn",
				 "it was sealed by security version %u; this image's is "
				 "%u, and older ones cannot open it",
				 header->svn, identity->svn);
	return TOBI_OK;
}

static enum tobi_err read_header(const struct seal_identity *identity, int content,
				 size_t size, uint8_t *bytes,
				 struct seal_header *ret_header, struct tobi_fault *fault)
{
	struct tobi_bytes start = {bytes,
				   size < SEAL_HEADER_SIZE ? size : SEAL_HEADER_SIZE};
	enum tobi_err err = fd_pread_all(content, bytes, start.size, 0, OBJECT, fault);

	if (!err)
		err = seal_header_parse(start, size, ret_header, fault);
	return err ? err : check_header(identity, ret_header, fault);
}

enum tobi_err seal_job_new(const struct seal_identity *identity, const struct ask *ask,
			   int content, struct seal_job **ret_job,
			   struct key_wanted *ret_wanted, struct tobi_fault *fault)
{
	CLEANUP(seal_job_freep) struct seal_job *job = calloc(1, sizeof(*job));
	struct key_wanted wanted = {0};
	struct seal_header header;
	size_t size = 0;
	enum tobi_err err;

	if (!job)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	job->opens = ask->kind == ASK_UNSEAL;
	job->associated = ask->associated;
	job->in = content;
	job->out = -1;
	err = memfile_size(content, job->opens ? SEAL_OBJECT_MAX : TOBI_SEAL_CONTENT_MAX,
			   &size, fault);
	if (!err && job->opens)
		err = read_header(identity, content, size, job->header, &header, fault);
	else if (!err)
		err = make_header(identity, ask, size, &header, fault);
	if (!err)
		err = seal_choose_signer(identity, header.to, id_of(header.id),
					 &wanted.signer, fault);
	if (!err)
		err = memfile_open(&job->out, fault);
	if (err)
		return err;
	if (!job->opens)
		seal_header_write(&header, job->header);
	job->size = (size_t)header.size;
	wanted.to = header.to;
	wanted.svn = header.svn;
	*ret_wanted = wanted;
	*ret_job = TAKE(job);
	return TOBI_OK;
}

void seal_job_free(struct seal_job *job)
{
	if (!job)
		return;
	seal_pass_free(job->pass);
	fd_close(&job->out);
	explicit_bzero(job->slice, sizeof(job->slice));
	free(job);
}

enum tobi_err seal_job_key(struct seal_job *job, const uint8_t key[static SEAL_KEY_SIZE],
			   struct tobi_fault *fault)
{
	enum tobi_err err;

	if (job->pass)
		return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "key",
				 "it came a second time");
	err = seal_pass_new(job->opens, key, job->header, job->associated, &job->pass,
			    fault);
	if (!err && !job->opens)
		err = fd_write_all(job->out,
				   (struct tobi_bytes){job->header, sizeof(job->header)},
				   OBJECT, fault);
	return err;
}

static enum tobi_err pass_slice(struct seal_job *job, struct tobi_fault *fault)
{
	size_t left = job->size - job->at;
	struct tobi_bytes part = {job->slice, left < SLICE ? left : SLICE};
	uint64_t offset = job->at + (job->opens ? SEAL_HEADER_SIZE : 0);
	enum tobi_err err =
	    fd_pread_all(job->in, job->slice, part.size, offset, OBJECT, fault);

	if (!err)
		err = seal_pass_update(job->pass, part, job->slice, fault);
	if (!err)
		err = fd_write_all(job->out, part, OBJECT, fault);
	job->at += part.size;
	return err;
}

static enum tobi_err finish(struct seal_job *job, struct tobi_fault *fault)
{
	uint8_t tag[SEAL_TAG_SIZE];
	enum tobi_err err;

	if (job->opens) {
		err = fd_pread_all(job->in, tag, sizeof(tag),
				   SEAL_HEADER_SIZE + job->size, OBJECT, fault);
		if (!err)
			err = seal_pass_check(job->pass, tag, fault);
	} else {
		err = seal_pass_tag(job->pass, tag, fault);
		if (!err)
			err =
			    fd_write_all(job->out, (struct tobi_bytes){tag, sizeof(tag)},
					 OBJECT, fault);
	}
	return err ? err : memfile_seal(job->out, fault);
}

enum tobi_err seal_job_step(struct seal_job *job, int *ret_result,
			    struct tobi_fault *fault)
{
	enum tobi_err err;

	*ret_result = -1;
	if (!job->pass)
		return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "key", "it is missing");
	if (job->at < job->size)
		return pass_slice(job, fault);
	err = finish(job, fault);
	if (err)
		return err;
	*ret_result = job->out;
	job->out = -1;
	return TOBI_OK;
}
