/* The part of a policy that is about one kind of hardware, in a file of its own. */
#ifndef TOBI_APPRAISE_POLICY_SECTION_H
#define TOBI_APPRAISE_POLICY_SECTION_H

#include "appraise/appraise.h"

struct yaml_policy;

struct policy_section {
	/* Takes its keys; whatever is absent is left as it is. */
	enum tobi_err (*take)(struct tobi_policy *policy, const struct yaml_policy *yaml,
			      struct tobi_fault *fault);
	/* Owes its checks when the evidence is of its kind. */
	void (*owe)(struct tobi_result *result);
	/* Records them. */
	void (*run)(struct tobi_result *result, const struct tobi_policy *policy);
	/* The tier whose evidence need not have an image, and whether what the section
	 * asks of it stands for one; both NULL where there is none. */
	const char *tier;
	bool (*names)(const struct tobi_policy *policy);
};

/* What sections have in common. */
bool policy_names_tier(const struct tobi_policy *policy, const char *tier);
/* Whether the sections say for each tier what may run, so that no image must be named. */
bool policy_sections_name(const struct tobi_policy *policy);
/* TOBI_E_MALFORMED. */
enum tobi_err policy_wrong(const struct tobi_policy *policy, const char *field,
			   const char *what, struct tobi_fault *fault);
enum tobi_err policy_no_memory(const struct tobi_policy *policy,
			       struct tobi_fault *fault);
/* For a record; "nothing" for no bytes. In the result's arena. */
const char *policy_hex(struct tobi_result *result, struct tobi_bytes bytes);

/* A list of a section's own: texts as they are, and texts of size bytes in hexadecimal.
 * Without any the list is left as it is. TOBI_E_MALFORMED, _MEMORY. */
TOBI_MUST_USE enum tobi_err policy_text_list(struct tobi_policy *policy, char **texts,
					     unsigned count, struct bytes_list *ret_list,
					     struct tobi_fault *fault);
TOBI_MUST_USE enum tobi_err policy_hex_list(struct tobi_policy *policy, const char *field,
					    char **texts, unsigned count, size_t size,
					    struct bytes_list *ret_list,
					    struct tobi_fault *fault);
/* The value must be in the list; waived where the policy names none. found: how people
 * call the value; NULL: in hexadecimal. */
void policy_run_list(struct tobi_result *result, const struct check *check,
		     const struct bytes_list *list, struct tobi_bytes value,
		     const char *found);

/* The same for a text; NULL: nothing was said. */
void policy_run_text(struct tobi_result *result, const struct check *check,
		     const struct bytes_list *allowed, const char *found);

/* The last has no functions. */
extern const struct policy_section policy_sections[];

#endif
