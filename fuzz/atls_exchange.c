/*
 * Feeds bytes to an exchange. The first byte chooses role and flow, the second how many
 * bytes come at a time. A side that verifies must never open: its appraiser refuses all.
 */
#include <stdlib.h>
#include <string.h>

#include "atls/exchange.h"
#include "base/arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const types[] = {"eat", NULL};

static enum tobi_verdict refuse(void *context, struct tobi_bytes claims_buffer,
				struct tobi_bytes collection,
				enum atls_reason *ret_reason,
				struct tobi_fault *ret_fault)
{
	(void)context, (void)claims_buffer, (void)collection;
	*ret_reason = ATLS_EVIDENCE_REFUSED;
	memset(ret_fault, 0, sizeof(*ret_fault));
	return TOBI_REFUSE;
}

static enum tobi_err export_fixed(void *context, const char *label,
				  const uint8_t over[static 32],
				  uint8_t ret_key[static 32], struct tobi_fault *fault)
{
	(void)context, (void)label, (void)over, (void)fault;
	memset(ret_key, 0x42, 32);
	return TOBI_OK;
}

static void feed(struct atls_exchange *x, struct tobi_bytes bytes, size_t chunk)
{
	while (bytes.size) {
		size_t part = chunk < bytes.size ? chunk : bytes.size;

		atls_exchange_receive(x, (struct tobi_bytes){bytes.ptr, part});
		if (atls_exchange_state(x) == ATLS_NEEDS_EVIDENCE)
			atls_exchange_give_evidence(x,
						    (struct tobi_bytes){bytes.ptr, part});
		bytes.ptr += part;
		bytes.size -= part;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t keys[2][32] = {{1}, {2}};
	struct arena arena = arena_init(1 << 20);
	struct checklist list = {.arena = &arena};
	struct atls_appraiser appraiser = {refuse, NULL, &list};
	struct atls_exchange_setup setup = {.own_key = keys[0],
					    .peer_key = keys[1],
					    .exporter = {export_fixed, NULL},
					    .accepted = types};
	struct atls_exchange *x = NULL;

	if (size < 2) {
		arena_done(&arena);
		return 0;
	}
	setup.role = data[0] & 1 ? TOBI_ROLE_CLIENT : TOBI_ROLE_SERVER;
	setup.appraiser = data[0] & 2 ? &appraiser : NULL;
	setup.available = data[0] & 4 ? types : NULL;
	if (!atls_exchange_new(&setup, &x, NULL)) {
		feed(x, (struct tobi_bytes){data + 2, size - 2}, (size_t)data[1] + 1);
		atls_exchange_ended(x);
		if (setup.appraiser && atls_exchange_state(x) == ATLS_OPEN)
			abort();
	}
	atls_exchange_free(x);
	arena_done(&arena);
	return 0;
}
