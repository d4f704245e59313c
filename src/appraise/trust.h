/* Building the tree of whom a policy trusts (tobichi/trust.h). Each kind of hardware adds
 * its lines in a file of its own, trust_KIND.c. */
#ifndef TOBI_APPRAISE_TRUST_H
#define TOBI_APPRAISE_TRUST_H

#include "appraise/policy.h"
#include "tobichi/trust.h"

enum { TRUST_DEPTH_MAX = 8, TRUST_PARTIES_MAX = 1024 };

struct tobi_trust {
	struct arena arena;
	const char *policy_name;
	struct tobi_trust_line *lines;
	size_t count, room;
	const char **parties; /* each once */
	size_t party_count;
};

struct trust_writer {
	struct tobi_trust *trust;
	const struct tobi_policy *policy;
	unsigned depth;	   /* of the next line */
	enum tobi_err err; /* sticky */
};

/* A line; texts that are NULL are empty. All are copied but not looked at: from a const
 * table, or by trust_text(). */
void trust_add(struct trust_writer *wr, const struct tobi_trust_line *line);
/* The same, and what is added before trust_close() are its children. */
void trust_open(struct trust_writer *wr, const struct tobi_trust_line *line);
void trust_close(struct trust_writer *wr);
/* A text that lives as long as the tree; "" after failure. */
const char *trust_text(struct trust_writer *wr, const char *format, ...)
    TOBI_PRINTF(2, 3);
const char *trust_hex(struct trust_writer *wr, struct tobi_bytes bytes);
/* "a, b, c" of texts; "" for none. */
const char *trust_join(struct trust_writer *wr, const char *const *texts, size_t count);

/* A line of the firmware floor or of who is meant, of one key of the policy: what it is
 * when it is named, and what would be gained where it is not (smaller NULL: nothing, then
 * there is no line). */
struct trust_key {
	enum tobi_trust_kind kind;
	const char *key; /* "snp: chips" */
	const char *named, *not_named;
	const char *smaller;
};
void trust_key(struct trust_writer *wr, const struct trust_key *key, bool named,
	       const char *value);
/* "0a.., 0b..": texts, or bytes in hexadecimal when hex. */
const char *trust_list(struct trust_writer *wr, const struct tobi_bytes *items,
		       size_t count, bool hex);

/* What a root of a tier vouches for, and what it could do. */
struct trust_vendor {
	const char *tier, *party;
	const char *does, *bad;
};
/* Those of the policy, or the vendors' own: a group, whose roots have the lines that
 * inside() adds (NULL: none). */
void trust_roots(struct trust_writer *wr, const struct trust_vendor *vendor,
		 void (*inside)(struct trust_writer *wr));
/* Whoever brings the vendor's documents to the verifier, and how old they may be. */
void trust_collateral(struct trust_writer *wr, const char *who);

void trust_soft(struct trust_writer *wr);
void trust_sgx(struct trust_writer *wr);
void trust_tdx(struct trust_writer *wr);
void trust_snp(struct trust_writer *wr);
void trust_sev(struct trust_writer *wr);
void trust_nitro(struct trust_writer *wr);
void trust_nitro_tpm(struct trust_writer *wr);
void trust_tpm(struct trust_writer *wr);
void trust_epid(struct trust_writer *wr);
void trust_eat(struct trust_writer *wr);
void trust_ear(struct trust_writer *wr);
void trust_cca(struct trust_writer *wr);
void trust_psa(struct trust_writer *wr);
void trust_azure_snp(struct trust_writer *wr);
void trust_azure_tdx(struct trust_writer *wr);
/* Who may sign wrappers around evidence; nothing where the policy names nobody. */
void trust_wrappers(struct trust_writer *wr);
/* The hardware alone, under the roots of that tier. */
void trust_snp_as(struct trust_writer *wr, const char *tier);
void trust_tdx_as(struct trust_writer *wr, const char *tier);
/* The PCRs that a section tpm names. */
void trust_pcrs(struct trust_writer *wr, const struct policy_tpm *tpm);
void trust_nvidia(struct trust_writer *wr);
void trust_nvidia_beside(struct trust_writer *wr);

/* What may be started; nothing without such a section. */
void trust_boot(struct trust_writer *wr);

/* What holds for each tier: programs, instances, freshness, allowances. */
void trust_programs(struct trust_writer *wr);
void trust_instances(struct trust_writer *wr);
void trust_freshness(struct trust_writer *wr);
void trust_allowances(struct trust_writer *wr);

/* Forms. Each appends; failure is the writer's. */
const char *trust_kind_name(enum tobi_trust_kind kind);
void trust_write_text(const struct tobi_trust *trust, bool color, struct writer *out);
void trust_write_html(const struct tobi_trust *trust, struct writer *out);
TOBI_MUST_USE enum tobi_err trust_write_json(const struct tobi_trust *trust,
					     struct writer *out,
					     struct tobi_fault *fault);

#endif
