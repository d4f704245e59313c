/* Names that a TLS certificate is for: DNS names and IP addresses, in the one form in
 * which they are compared. */
#ifndef TOBI_BROKER_CERTIFICATE_NAME_H
#define TOBI_BROKER_CERTIFICATE_NAME_H

#include <stdbool.h>

#include "tobichi/bytes.h"

enum { CERTIFICATE_NAME_MAX = 253, CERTIFICATE_ADDRESS_MAX = 16 };

struct certificate_name {
	bool wildcard; /* "*.example.org" */
	/* A DNS name, in small letters, with its "*."; an address as inet_ntop() has it.
	 */
	char text[CERTIFICATE_NAME_MAX + 1];
	uint8_t address[CERTIFICATE_ADDRESS_MAX];
	size_t address_size; /* 4 or 16; 0: it is a DNS name */
};

/*
 * A DNS name: labels of a-z 0-9 - (A-Z are made small), 1 to 63 each and no hyphen at
 * their ends, the last one not a number; "*." before two of them or more is a wildcard.
 * False for anything else, addresses included.
 */
bool certificate_name_dns(struct tobi_bytes text, struct certificate_name *ret_name);
/* 4 or 16 bytes. */
bool certificate_name_address(struct tobi_bytes address,
			      struct certificate_name *ret_name);
/* Either, from text. */
bool certificate_name_read(const char *text, struct certificate_name *ret_name);

/*
 * Whether what a profile has allows the name: the same; or a wildcard of the profile's
 * any name with one label in its place, and itself only where wildcards may be issued.
 */
bool certificate_name_allows(const struct certificate_name *allowed, bool wildcards,
			     const struct certificate_name *name);

#endif
