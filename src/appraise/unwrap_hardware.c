/* The hardware's own evidence in evidence that has it inside. */
#include "appraise/unwrap.h"
#include "tee/azure.h"
#include "tee/azure_parts.h"
#include "token/cmw.h"

static struct tobi_bytes value_of(const struct cmw *cmw, const char *key)
{
	const struct cmw_record *record = cmw_find(cmw, key);

	return record ? record->value : (struct tobi_bytes){0};
}

/* Of an enclave's collection the guest's: the token of the tier soft needs nothing. */
static bool open_collection(struct tobi_bytes bytes, struct arena *arena,
			    struct tee_request *request)
{
	struct cmw *cmw = arena_alloc(arena, sizeof(*cmw));
	struct tobi_bytes guest;

	if (!cmw || cmw_open(bytes, "evidence", arena, cmw, NULL))
		return false;
	guest = value_of(cmw, "guest");
	if (guest.size && cmw_open(guest, "evidence", arena, cmw, NULL))
		return false;
	request->evidence = value_of(cmw, "cpu");
	request->endorsements = value_of(cmw, "endorse");
	return request->evidence.size > 0;
}

enum tobi_err unwrap_hardware(struct tobi_bytes evidence, struct arena *arena,
			      struct tobi_bytes *ret_hardware, struct tobi_fault *fault)
{
	struct tee_request request = {.evidence = evidence};
	const struct tee_verifier *kind = tee_verifier_recognise(evidence);

	if (!kind && open_collection(evidence, arena, &request))
		kind = tee_verifier_recognise(request.evidence);
	if (kind == &tee_azure_snp || kind == &tee_azure_tdx)
		return azure_parts_hardware(&request, arena, ret_hardware, fault);
	*ret_hardware = request.evidence;
	return TOBI_OK;
}
