/*
 * What a machine started, as its event logs tell and its registers prove. It is of the
 * events alone whose register the evidence shows; of their data only what the digest
 * covers is taken for true.
 *
 * What is proven is what was measured, and in which order within one register. That
 * something was not measured, or that an event is what it is called, is proven only where
 * every event of the register is accounted for: that is the policy's to ask
 * (POLICY-BOOT-OTHERS).
 */
#ifndef TOBI_TEE_BOOT_CLAIMS_H
#define TOBI_TEE_BOOT_CLAIMS_H

#include <stdbool.h>

#include "tobichi/bytes.h"

enum { BOOT_ITEMS_MAX = 4096, BOOT_HASH_SIZE = 32 };

enum boot_registers { BOOT_PCRS, BOOT_RTMRS };

enum boot_state { BOOT_UNKNOWN, BOOT_OFF, BOOT_ON };

enum boot_variable_name { BOOT_PK, BOOT_KEK, BOOT_DB, BOOT_DBX, BOOT_VARIABLES };

/* One of Secure Boot's lists. */
struct boot_variable {
	bool found;
	uint8_t hash[BOOT_HASH_SIZE]; /* SHA-256 of its content, whatever the bank */
	size_t size;		      /* of its content; 0: it is empty or absent */
	size_t certificates, hashes;
};

enum boot_role {
	BOOT_IMAGE,  /* what firmware ran: its Authenticode hash */
	BOOT_DRIVER, /* the same, a driver */
	BOOT_KERNEL, /* the hash of the file, or of the section of a unified image */
	BOOT_INITRD, /* the same */
	BOOT_COMMAND_LINE, /* of the kernel */
	BOOT_TEXT,	   /* said by its data, and starts nothing: not kept */
	BOOT_FILE,	   /* what the loader read, by its name in the log */
	BOOT_OTHER,
};

/* An event of a register that shows what was started; in the log's order. */
struct boot_item {
	enum boot_role role;
	unsigned index;		  /* the log's number of the register */
	struct tobi_bytes digest; /* of the bank */
	/* What the digest is of, where the log holds it; else empty. UTF-8 or not. */
	struct tobi_bytes text;
	const char *label; /* what the log calls it: nothing proves that; "" for nothing
			    */
	bool explained;	   /* a command line that is another one's, in another form */
};

/* A file that Linux measured. */
struct boot_file {
	struct tobi_bytes digest;
	const char *algorithm; /* "sha256" */
	const char *path;
};

struct boot_ima {
	size_t count; /* entries, boot_aggregate among them */
	struct boot_file *files;
	size_t file_count;
	size_t violations; /* files that changed while they were read */
};

/* In the arena of the appraisal. */
struct boot_claims {
	enum boot_registers kind;
	uint16_t algorithm; /* TCG_SHA384 */
	size_t events;
	enum boot_state secure_boot;
	struct boot_variable variables[BOOT_VARIABLES];
	/* Certificates and the like that firmware and shim believed an image by. */
	size_t authority_count;
	bool debug;		/* firmware says that it runs a debugger */
	bool no_dma_protection; /* it says so */
	bool separated;		/* firmware closed its registers before it gave way */
	bool handed_over; /* ExitBootServices was called, and returned with success */
	int locality;	  /* of the start: 0, 3, 4; -1: not proven */
	struct boot_item *items;
	size_t item_count;
	const struct boot_ima *ima; /* NULL: no such log came */
	/* Bit N: the register was extended by what no log tells of. */
	uint32_t unexplained;
	uint32_t absent; /* registers that the evidence does not show */
};

#endif
