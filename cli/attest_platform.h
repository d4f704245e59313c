/* `tobichi attest` of the machine itself, not of an enclave on it. */
#ifndef CLI_ATTEST_PLATFORM_H
#define CLI_ATTEST_PLATFORM_H

#include "attest/attester.h"

struct attest_options {
	const char *enclave, *platform, *out;
	uint8_t nonce[ATTEST_DATA_SIZE];
	size_t nonce_size; /* 0: a random one */
	uint8_t report_data[ATTEST_DATA_SIZE];
	size_t report_data_size; /* 0: claims are made of the nonce */
	const char *key;	 /* the claims are about this public key */
	const char *device, *metadata, *quotes;
	uint64_t privilege, ak, timeout; /* UINT64_MAX: not given */
	uint32_t pcrs;
	bool list, raw, logs;
	bool json; /* the collection in JSON */
};

/* Evidence is a collection in CBOR: to a file in the form that is wanted. */
TOBI_MUST_USE enum tobi_err attest_write(const struct attest_options *options,
					 struct tobi_bytes collection, const char *path,
					 struct tobi_fault *fault);

/* What the platform gives over the hash of these claims, as a session has it: a
 * collection without them. Of the options platform, device, metadata, quotes, timeout,
 * ak, pcrs, privilege and logs count. */
TOBI_MUST_USE enum tobi_err attest_session(struct attest_options *options,
					   struct tobi_bytes claims_buffer,
					   struct writer *out, struct tobi_fault *fault);

/* The exit status. */
int attest_list(const struct attest_options *options);
int attest_platform(struct attest_options *options);

#endif
