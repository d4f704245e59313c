#include "daemons/platform/counter.h"

#include <string.h>

#include "base/fault.h"
#include "codec/cbor.h"
#include "daemons/platform/signer.h"

/* All security versions of a signer's product share their counters: an older one that is
 * started again counts on. */
static enum tobi_err find_owner(const struct image *image,
				const struct counter_request *request,
				uint8_t ret_owner[static COUNTER_OWNER_SIZE],
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer out = wr_init(SEAL_INFO_MAX);
	const struct seal_request whose = {.kind = request->kind,
					   .signer = request->signer,
					   .label = {(const uint8_t *)"counter", 7}};
	enum tobi_err err = seal_key_info(image, &whose, &out, fault);

	if (!err && hash_sha256(wr_view(&out), ret_owner))
		err = fault_set(fault, TOBI_E_CRYPTO, "counter", "owner",
				"cannot be hashed");
	return err;
}

static enum tobi_err ask_anchor(void *context, bool increment, uint64_t *ret_value,
				struct tobi_fault *fault)
{
	return signer_counter(context, increment, ret_value, fault);
}

static enum tobi_err open_counters(struct counter_desk *desk, struct signer *signer,
				   struct tobi_fault *fault)
{
	struct counters_setup setup = {.folder = desk->state_folder,
				       .anchor = signer->has_counter ? ask_anchor : NULL,
				       .context = signer};
	struct tobi_bytes info = {(const uint8_t *)COUNTERS_KEY_INFO,
				  sizeof(COUNTERS_KEY_INFO) - 1};
	enum tobi_err err = signer_derive(signer, info, setup.key, fault);

	if (!err)
		err = counters_open(&setup, &desk->counters, fault);
	explicit_bzero(setup.key, sizeof(setup.key));
	return err;
}

enum tobi_err counter_serve(struct counter_desk *desk, struct signer *signer,
			    const struct image *image,
			    const struct counter_request *request,
			    struct tobi_counter *ret_counter, struct tobi_fault *fault)
{
	uint8_t owner[COUNTER_OWNER_SIZE];
	uint64_t value = 0;
	enum tobi_err err = find_owner(image, request, owner, fault);

	if (!err && !desk->counters)
		err = open_counters(desk, signer, fault);
	if (!err)
		err = request->increment
			  ? counters_increment(desk->counters, owner, request->name,
					       &value, fault)
			  : counters_read(desk->counters, owner, request->name, &value,
					  fault);
	if (!err)
		*ret_counter =
		    (struct tobi_counter){value, counters_are_anchored(desk->counters)};
	return err;
}

void counter_desk_done(struct counter_desk *desk)
{
	counters_free(desk->counters);
	desk->counters = NULL;
}
