#include "tee/nvidia.h"

#include <string.h>

#include "base/fault.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "tee/nvidia_device.h"
#include "tee/nvidia_facts.h"

static const char object[] = "NVIDIA evidence";

static enum tobi_err no_memory(struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory, or too large");
}

/* What came as one list of documents. */
static enum tobi_err take_list(struct nvidia_material *material, struct tobi_bytes bytes,
			       struct arena *arena, struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct tobi_bytes *list = arena_array(arena, NVIDIA_RIMS_MAX, sizeof(*list));
	size_t count;
	enum tobi_err err;

	if (!bytes.size)
		return TOBI_OK;
	if (!list)
		return no_memory(fault);
	count = cbor_array(&cbor, NVIDIA_RIMS_MAX, "documents");
	for (size_t i = 0; i < count; i++)
		list[i] = cbor_bytes(&cbor, LIMIT_XML, "documents");
	err = cbor_finish(&cbor, object, fault);
	for (size_t i = 0; i < count && !err; i++)
		err = nvidia_material_take(material, list[i], arena, fault);
	return err;
}

static bool is_pem(struct tobi_bytes piece)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";

	return piece.ptr && memmem(piece.ptr, piece.size, begin, strlen(begin)) != NULL;
}

static enum tobi_err take_pieces(const struct tee_request *request, bool alone,
				 struct nvidia_material *material, struct arena *arena,
				 struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	for (size_t i = 0; i < request->piece_count && !err; i++) {
		struct tobi_bytes piece = request->pieces[i];

		/* There is no other device that certificates could be of. */
		if (alone && nvidia_piece_of(piece) == NVIDIA_PIECE_OTHER &&
		    is_pem(piece) && material->chain_count < NVIDIA_CHAINS_MAX)
			material->chains[material->chain_count++] = piece;
		else
			err = nvidia_material_take(material, piece, arena, fault);
	}
	return err;
}

static enum tobi_err examine_all(const struct nvidia_appraisal *about,
				 struct nvidia_claims *nvidia, struct tee_claims *claims,
				 struct tobi_fault *fault)
{
	enum tobi_err err = TOBI_OK;

	nvidia->devices = arena_array(about->list->arena, about->material->device_count,
				      sizeof(*nvidia->devices));
	if (!nvidia->devices)
		return no_memory(fault);
	for (size_t i = 0; i < about->material->device_count && !err; i++) {
		struct nvidia_device *device = &nvidia->devices[i];

		err = nvidia_device_examine(about, i, device, fault);
		nvidia->count = i + 1;
		if (device->answer == NVIDIA_ANSWER_GRACE)
			claims->in_grace = "an answer on revocation (OCSP)";
	}
	if (err)
		return err;
	nvidia_devices_finish(about, nvidia);
	nvidia_facts(nvidia, about->list->arena, claims);
	return TOBI_OK;
}

/* What a single device measured, for reference values of others than NVIDIA. */
static void take_measurements(const struct nvidia_material *material,
			      const struct nvidia_device *device, struct arena *arena,
			      struct tee_claims *claims)
{
	const struct spdm_report *report = &material->devices[0].report;

	claims->environment = (struct tee_environment){
	    .vendor = "NVIDIA", .model = device->chip, .instance = claims->hardware};
	for (size_t i = 0; i < report->block_count; i++) {
		struct tee_measurement *to = tee_measurement_add(claims, arena);

		if (!to)
			return;
		*to = (struct tee_measurement){
		    .mkey = TEE_MKEY_NUMBER,
		    .number = i + 1,
		    .digests[0] = {TEE_SHA384, arena_copy(arena, report->digests[i])},
		    .digest_count = 1};
	}
}

static void take_claims(const struct nvidia_material *material,
			struct nvidia_claims *nvidia, struct arena *arena,
			struct tee_claims *claims)
{
	struct nvidia_device *first = &nvidia->devices[0];

	claims->nvidia = nvidia;
	claims->nonce = arena_copy(arena, material->devices[0].report.nonce);
	claims->hardware = (struct tobi_bytes){first->ueid, sizeof(first->ueid)};
	tee_fact_hex(claims, arena, "nonce", claims->nonce);
	if (nvidia->count == 1)
		take_measurements(material, first, arena, claims);
}

static enum tobi_err examine(const struct tee_request *request, struct checklist *list,
			     struct tee_claims *ret_claims, struct tobi_fault *fault)
{
	struct nvidia_material *material = arena_alloc(list->arena, sizeof(*material));
	struct nvidia_claims *nvidia = arena_alloc(list->arena, sizeof(*nvidia));
	uint8_t hash[SHA256_SIZE];
	struct nvidia_appraisal about = {
	    .request = request, .material = material, .list = list};
	enum tobi_err err;

	for (size_t i = 0; nvidia_checks[i]; i++)
		check_owe(list, nvidia_checks[i]);
	if (!material || !nvidia)
		return no_memory(fault);
	err = nvidia_material_take(material, request->evidence, list->arena, fault);
	if (!err && !material->device_count)
		err = fault_set(fault, TOBI_E_UNSUPPORTED, object, "",
				"it is in none of the known forms");
	if (!err)
		err = take_pieces(request, true, material, list->arena, fault);
	if (!err)
		err = take_list(material, request->endorsements, list->arena, fault);
	if (err)
		return err;
	if (request->claims_buffer.size) {
		if (hash_sha256(request->claims_buffer, hash))
			return fault_openssl(fault, object, "", "cannot hash the claims");
		about.nonce = (struct tobi_bytes){hash, sizeof(hash)};
	}
	*ret_claims = (struct tee_claims){
	    .tier = tee_nvidia.tier, .root_kind = "hardware", .timeless = true};
	err = examine_all(&about, nvidia, ret_claims, fault);
	if (err)
		return err;
	take_claims(material, nvidia, list->arena, ret_claims);
	return TOBI_OK;
}

static enum tobi_err examine_beside(const struct tee_request *request,
				    const struct nvidia_beside *beside, bool asked,
				    struct checklist *list, struct tee_claims *claims,
				    struct tobi_fault *fault)
{
	struct nvidia_material *material = arena_alloc(list->arena, sizeof(*material));
	struct nvidia_claims *nvidia = arena_alloc(list->arena, sizeof(*nvidia));
	uint8_t hash[SHA256_SIZE];
	struct nvidia_appraisal about = {.request = request,
					 .material = material,
					 .list = list,
					 .nonce = {hash, sizeof(hash)}};
	enum tobi_err err = TOBI_OK;

	if (!material || !nvidia)
		return no_memory(fault);
	for (size_t i = 0; i < beside->record_count && !err; i++)
		err = nvidia_material_take(material, beside->records[i], list->arena,
					   fault);
	if (!err)
		err = take_pieces(request, false, material, list->arena, fault);
	if (!err)
		err = take_list(material, beside->documents, list->arena, fault);
	if (err || (!material->device_count && !asked))
		return err;
	nvidia->beside = true;
	claims->nvidia = nvidia;
	if (!material->device_count)
		return TOBI_OK;
	for (size_t i = 0; nvidia_checks[i]; i++)
		check_owe(list, nvidia_checks[i]);
	if (hash_sha256(beside->cpu, hash))
		return fault_openssl(fault, object, "", "cannot hash the evidence");
	if (beside->nonce.size)
		about.nonce = beside->nonce;
	return examine_all(&about, nvidia, claims, fault);
}

/* Most evidence has no device beside it: then nothing is set up for any. */
enum tobi_err nvidia_examine_beside(const struct tee_request *request,
				    const struct nvidia_beside *beside, bool asked,
				    struct checklist *list, struct tee_claims *claims,
				    struct tobi_fault *fault)
{
	bool nothing = !asked && !beside->record_count && !beside->documents.size &&
		       !request->piece_count;

	return nothing ? TOBI_OK
		       : examine_beside(request, beside, asked, list, claims, fault);
}

const struct tee_verifier tee_nvidia = {.tier = "nvidia-gpu",
					.name = "nvidia-gpu",
					.media_type = NVIDIA_MEDIA_TYPE,
					.checks = nvidia_checks,
					.recognise = nvidia_evidence_is,
					.examine = examine,
					.takes = nvidia_takes};
