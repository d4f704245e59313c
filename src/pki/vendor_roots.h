/*
 * The roots of the makers of hardware: whom evidence must go back to when a policy names
 * no root of its own for its tier.
 *
 * A root is known by its public key, as the same key is in more than one certificate in
 * the field. Nothing else of this build trusts a vendor.
 */
#ifndef TOBI_PKI_VENDOR_ROOTS_H
#define TOBI_PKI_VENDOR_ROOTS_H

#include "pki/key.h"

struct vendor_root {
	const char *tier;
	const char *name; /* as its certificates call it: "ARK-Milan" */
	const char *key;  /* SHA-256 of its SubjectPublicKeyInfo, hexadecimal */
	const char
	    *certificate;   /* SHA-256 of a certificate of it, hexadecimal; for people */
	const char *source; /* where it is published */
};

/* NULL past the end. */
const struct vendor_root *vendor_root_at(size_t index);

/* Trusted keys: SHA-256 of SubjectPublicKeyInfo, each. */
enum { KEY_PINS_MAX = 16 };
struct key_pins {
	uint8_t keys[KEY_PINS_MAX][SHA256_SIZE];
	size_t count;
};

/* Those of a tier; none for a tier without a vendor. */
struct key_pins vendor_root_pins(const char *tier);
bool key_pins_have(const struct key_pins *pins, const uint8_t key[static SHA256_SIZE]);

#endif
