/* Moving a platform to another provider: new keys, and the seal root where it can leave
 * the old one (docs/PROTOCOL.md section 7.2). */
#ifndef TOBI_ROOT_MIGRATE_H
#define TOBI_ROOT_MIGRATE_H

#include "root/root.h"

struct root_migration {
	const char *kind;	     /* of the provider to move to */
	struct root_options options; /* seal is filled in here */
	bool new_seal_root;	     /* what was sealed may be lost */
	int64_t now;		     /* seconds since 1970 */
};

struct root_identity {
	const char *kind; /* a literal of the provider */
	uint8_t ueid[33];
	char ca[64]; /* its name */
};

struct root_migrated {
	struct root_identity before, after;
	bool kept_seal_root;
	bool had_counters; /* of enclaves; they go with the seal root, or are lost */
	bool lost_owner;   /* an owner's certificate was for the old key */
	bool left_keys;	   /* the old keys are still in their device */
	bool from_files;   /* files with keys were overwritten and removed */
};

/* TOBI_E_DENIED when somebody has the platform open (a service runs), and when the seal
 * root cannot leave and new_seal_root is not set. After any other failure the old
 * platform stands, unless the message says that the new one does. */
TOBI_MUST_USE enum tobi_err root_migrate(const char *folder,
					 const struct root_migration *migration,
					 struct root_migrated *ret_migrated,
					 struct tobi_fault *fault);

#endif
