#include "appraise/gpu.h"

#include <stdio.h>
#include <string.h>

#include "appraise/policy_gpu.h"
#include "base/fault.h"
#include "base/secret.h"
#include "tee/nvidia.h"

struct nvidia_pieces {
	struct tobi_bytes theirs[LIMIT_PIECES], others[LIMIT_PIECES];
	size_t their_count, other_count;
};

enum tobi_err gpu_split(struct tobi_result *result, const struct tobi_bytes *pieces,
			size_t count, struct gpu_parts *ret_parts,
			struct tobi_fault *fault)
{
	struct nvidia_pieces *all = arena_alloc(&result->arena, sizeof(*all));

	if (!all || count > LIMIT_PIECES)
		return fault_set(fault, TOBI_E_MEMORY, "appraisal", "", "out of memory");
	for (size_t i = 0; i < count; i++) {
		struct tobi_bytes piece = pieces[i];

		if (nvidia_piece_of(piece) == NVIDIA_PIECE_OTHER)
			all->others[all->other_count++] = piece;
		else
			all->theirs[all->their_count++] = piece;
	}
	*ret_parts = (struct gpu_parts){all, all->others, all->other_count, {0}};
	return TOBI_OK;
}

/* "gpu", "gpu.1", .. "gpu.15". */
static bool is_device(struct tobi_bytes key)
{
	static const char first[] = "gpu";
	size_t size = strlen(first);

	if (key.size < size || memcmp(key.ptr, first, size) != 0)
		return false;
	if (key.size == size)
		return true;
	if (key.size < size + 2 || key.size > size + 3 || key.ptr[size] != '.' ||
	    key.ptr[size + 1] == '0')
		return false;
	for (size_t i = size + 1; i < key.size; i++) {
		if (key.ptr[i] < '0' || key.ptr[i] > '9')
			return false;
	}
	return true;
}

static enum tobi_err take_record(const struct cmw_record *record, const char *media_type,
				 unsigned indicator, struct tobi_bytes *ret_value,
				 struct tobi_fault *fault)
{
	if (!bytes_equal_text(record->media_type, media_type) ||
	    (record->indicator && record->indicator != indicator))
		return fault_set(fault, TOBI_E_MALFORMED, "evidence", "gpu",
				 "the record is of another kind than %s", media_type);
	*ret_value = record->value;
	return TOBI_OK;
}

static enum tobi_err take_records(const struct cmw *cmw, struct tobi_bytes *list,
				  struct nvidia_beside *beside, struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; cmw && i < cmw->count && !err; i++) {
		const struct cmw_record *record = &cmw->records[i];

		if (is_device(record->key))
			err = take_record(record, NVIDIA_MEDIA_TYPE, CMW_EVIDENCE,
					  &list[beside->record_count++], fault);
		else if (bytes_equal_text(record->key, "gpu-documents"))
			err = take_record(record, NVIDIA_MEDIA_TYPE_DOCUMENTS,
					  CMW_ENDORSEMENT, &beside->documents, fault);
	}
	beside->records = list;
	return err;
}

enum tobi_err gpu_appraise(struct tobi_result *result, const struct tobi_policy *policy,
			   const struct tee_request *cpu, const struct gpu_parts *parts,
			   const struct cmw *cmw, struct tobi_fault *fault)
{
	struct tobi_bytes list[LIMIT_CMW_ENTRIES];
	struct nvidia_beside beside = {.cpu = cpu->evidence, .nonce = parts->nonce};
	struct tee_request request = policy_request(policy, "nvidia-gpu", cpu->time);
	enum tobi_err err;

	if (result->claims.nvidia)
		return TOBI_OK;
	request.pieces = parts->all->theirs;
	request.piece_count = parts->all->their_count;
	request.collateral = cpu->collateral;
	err = take_records(cmw, list, &beside, fault);
	return err ? err
		   : nvidia_examine_beside(&request, &beside, policy_gpu_asks(policy),
					   &result->list, &result->claims, fault);
}
