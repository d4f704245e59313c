/* The manifest of an image and its launch config (docs/PROTOCOL.md sections 1.1 and 2).
 */
#ifndef TOBI_IMAGE_MANIFEST_H
#define TOBI_IMAGE_MANIFEST_H

#include <stdbool.h>

#include "base/limits.h"
#include "base/writer.h"
#include "pki/key.h"

struct text_pair {
	struct tobi_bytes name, value;
};

/* One way out: what the program reaches at 127.0.0.1:port. policy is empty (plain bytes),
 * the path of a policy in the image (attested TLS to an enclave that meets it), or
 * POLICY_AT_LAUNCH. */
struct manifest_egress {
	struct tobi_bytes target; /* host:port */
	uint16_t port;
	struct tobi_bytes policy;
};
/* In the place of a path: the launch config has the policy. */
#define POLICY_AT_LAUNCH "launch"
/* In the place of the clients' policy: who of them can attest does, the others are let in
 * too, and the program learns from its agent who is who, and judges. */
#define CLIENTS_BY_PROGRAM "program"

/* Bounds of the resources (key 10). */
#define MANIFEST_MEMORY_MIN (UINT64_C(4) << 20)
#define MANIFEST_MEMORY_MAX (UINT64_C(1) << 50)
enum {
	MANIFEST_PROCESSES_MAX = 1 << 22,
	MANIFEST_CPU_MAX = 1 << 20,
	MANIFEST_FILES_MAX = 1 << 20,
};

enum manifest_output { OUTPUT_DISCARDED = 0, OUTPUT_TO_HOST = 1 };

/* Everything borrows from the bytes that were parsed, or from whoever filled it in. */
struct manifest {
	struct tobi_bytes name;
	struct tobi_bytes architecture;
	struct {
		uint64_t size, tree_size;
		struct tobi_bytes tree_root; /* 32 */
		struct tobi_bytes sha384;    /* 48 */
	} root;
	struct tobi_bytes arguments[LIMIT_ARGUMENTS];
	size_t argument_count;
	struct text_pair environment[LIMIT_ARGUMENTS];
	size_t environment_count;
	uint32_t uid, gid;
	uint16_t ports[LIMIT_PORTS];
	size_t port_count;
	struct manifest_egress egress[LIMIT_PORTS];
	size_t egress_count;
	struct tobi_bytes volumes[LIMIT_PORTS];
	size_t volume_count;
	struct {
		uint64_t memory;    /* bytes */
		uint64_t processes; /* tasks, threads included */
		uint64_t cpu_milli; /* thousandths of a core */
		uint64_t files;	    /* open files of one process */
		uint64_t writable;  /* bytes in all writable paths */
	} limits;
	bool debug;
	uint16_t product, svn;
	struct tobi_bytes writable[LIMIT_WRITABLE];
	size_t writable_count;
	struct tobi_bytes secrets[LIMIT_SECRETS];
	size_t secret_count;
	struct tobi_bytes directory;
	enum manifest_output output;
	/* What clients must prove: as an egress's policy, or CLIENTS_BY_PROGRAM; empty:
	 * nothing. */
	struct tobi_bytes clients;
};

/* Strict: shape and every rule of section 1.1. struct manifest is large: allocate it. */
TOBI_MUST_USE enum tobi_err manifest_parse(struct tobi_bytes bytes,
					   struct manifest *ret_manifest,
					   struct tobi_fault *fault);
/* Checks the same rules (order included: manifest_sort), then appends the bytes. */
TOBI_MUST_USE enum tobi_err manifest_write(const struct manifest *manifest,
					   struct writer *out, struct tobi_fault *fault);

/* Brings environment, ports, egress, writable paths and secrets into the order required.
 */
void manifest_sort(struct manifest *manifest);

/* A policy that the image leaves to the launch: for the egress to a target, or for
 * LAUNCH_CLIENTS. */
struct launch_policy {
	struct tobi_bytes name, text;
};
#define LAUNCH_CLIENTS "clients"
/* What the broker must prove: the launch's own, which no image leaves to it. */
#define LAUNCH_BROKER "broker"
enum { LAUNCH_POLICIES = LIMIT_PORTS + 2 };

struct launch_config {
	struct tobi_bytes arguments[LIMIT_ARGUMENTS];
	size_t argument_count;
	struct text_pair environment[LIMIT_ARGUMENTS];
	size_t environment_count;
	struct tobi_bytes owner;    /* 48 or empty */
	struct tobi_bytes broker;   /* host:port, or empty */
	struct tobi_bytes contract; /* 48 or empty */
	bool ra_tls;		    /* spoken too: evidence in the certificate */
	/* SHA-384 of the broker's SubjectPublicKeyInfo, 48 or empty: then there is a
	 * policy for it. */
	struct tobi_bytes broker_key;
	/* repository/type: each declared secret NAME is the broker's
	 * repository/type/NAME; empty: secrets come from an owner. */
	struct tobi_bytes broker_secrets;
	/* The same for its counters; empty: the platform has them. */
	struct tobi_bytes broker_counters;
	struct launch_policy policies[LAUNCH_POLICIES];
	size_t policy_count;
};

TOBI_MUST_USE enum tobi_err launch_config_parse(struct tobi_bytes bytes,
						struct launch_config *ret_config,
						struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err launch_config_write(const struct launch_config *config,
						struct writer *out,
						struct tobi_fault *fault);

/* The policy of this name; empty when there is none. */
struct tobi_bytes launch_config_policy(const struct launch_config *config,
				       struct tobi_bytes name);

/* What a policy names a launch by: SHA-384 of what launch_config_write() gives. */
TOBI_MUST_USE enum tobi_err launch_config_id(const struct launch_config *config,
					     uint8_t ret_id[static SHA384_SIZE],
					     struct tobi_fault *fault);
/* Brings environment and policies into the order required. */
void launch_config_sort(struct launch_config *config);
/* What a config may not do to this image: set a variable that the image sets, give a
 * policy that the image does not leave to it, name a place of secrets when it declares
 * none (DENIED), lack a policy that the image does leave to it (NOT_FOUND), or exceed the
 * number of arguments or variables together (LIMIT). */
TOBI_MUST_USE enum tobi_err launch_config_suits(const struct launch_config *config,
						const struct manifest *manifest,
						struct tobi_fault *fault);

/* The name of this machine's architecture, as in the manifest. */
const char *manifest_host_architecture(void);
/* Names of secrets: section 5. */
bool secret_name_is_valid(struct tobi_bytes name);

#endif
