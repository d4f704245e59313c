/*
 * Attestation keys of single devices, as whoever provisions them says (attest-key
 * triples of CoRIM): for kinds of evidence whose keys have no certificates.
 */
#ifndef TOBI_PKI_DEVICE_KEYS_H
#define TOBI_PKI_DEVICE_KEYS_H

#include "pki/key.h"

struct device_key {
	struct tobi_bytes class_id; /* an implementation id, ...; empty: of any */
	struct tobi_bytes instance; /* a UEID, ...; empty: of any of the class */
	EVP_PKEY *key;		    /* owned by whoever made the list */
	uint8_t spki[SHA256_SIZE];
	int64_t not_before, not_after; /* when it counts */
};

struct device_keys {
	const struct device_key *items;
	size_t count;
};

/* The next key for a device, from *at on, which is moved behind it; NULL when there is no
 * more. Start with 0. keys may be NULL. A list names a class, an instance or both: each
 * that it names must be the device's. */
EVP_PKEY *device_keys_next(const struct device_keys *keys, struct tobi_bytes class_id,
			   struct tobi_bytes instance, int64_t time, size_t *at);

#endif
