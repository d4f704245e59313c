#include <openssl/rand.h>

#include "base/fault.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "broker/decision_inside.h"
#include "log/leaf.h"

enum { ARENA_MAX = 256 << 10 };

/* At most that many bytes, and no half of a character at the end. */
static struct tobi_bytes cut(struct tobi_bytes text, size_t most)
{
	if (text.size <= most)
		return text;
	text.size = most;
	while (text.size && (text.ptr[text.size] & 0xc0) == 0x80)
		text.size--;
	return text;
}

/* Text from anywhere as a leaf may have it. */
static struct tobi_bytes clean(struct arena *arena, const char *text, size_t most)
{
	CLEANUP(wr_done) struct writer out = wr_init(ARENA_MAX);
	struct tobi_bytes bytes;

	utf8_write_escaped(&out, cut(bytes_of_text(text), most));
	bytes = cut(wr_view(&out), most);
	return bytes.size ? arena_copy(arena, bytes) : bytes;
}

/* A code of the guest's has a word before it: the machine around has the same codes. */
static bool add_checks(struct arena *arena, const struct tobi_result *result,
		       const char *before, struct log_leaf *leaf)
{
	for (size_t i = 0; i < tobi_result_check_count(result); i++) {
		const struct tobi_check_result *check = tobi_result_check(result, i);
		const char *code = arena_printf(arena, "%s%s", before, check->code);

		if (!code || leaf->check_count == LOG_CHECKS_MAX)
			return false;
		leaf->checks[leaf->check_count++] =
		    (struct log_check){bytes_of_text(code), check->outcome};
	}
	return true;
}

static bool fill(struct arena *arena, const struct decision *decision,
		 const uint8_t *digest, struct log_leaf *leaf)
{
	const char *resource = decision->resource;

	leaf->kind = decision->kind;
	leaf->time = decision->time;
	leaf->accepted = decision->accepted;
	leaf->channel = clean(arena, decision->channel, LOG_WORD_MAX);
	leaf->action = clean(arena, decision->action, LOG_WORD_MAX);
	leaf->resource =
	    clean(arena, resource && resource[0] ? resource : "-", LOG_TEXT_MAX);
	leaf->version = decision->version;
	leaf->remote = clean(arena, decision->remote, LOG_TEXT_MAX);
	leaf->principal = clean(arena, decision->principal, LOG_TEXT_MAX);
	leaf->reason = clean(arena, decision->reason, LOG_TEXT_MAX);
	if (digest)
		leaf->evidence = (struct tobi_bytes){digest, SHA384_SIZE};
	if (decision->policy)
		leaf->policy = (struct tobi_bytes){decision->policy, SHA384_SIZE};
	if (!decision->result)
		return true;
	return add_checks(arena, decision->result, "", leaf) &&
	       (!decision->result->guest ||
		add_checks(arena, decision->result->guest, "GUEST-", leaf));
}

enum tobi_err decision_leaf(const struct decision *decision, const uint8_t *digest,
			    struct writer *out, struct tobi_fault *fault)
{
	struct arena arena = arena_init(ARENA_MAX);
	uint8_t salt[LOG_SALT_SIZE];
	struct log_leaf *leaf = arena_alloc(&arena, sizeof(*leaf));
	enum tobi_err err;

	if (!leaf || !fill(&arena, decision, digest, leaf)) {
		err = fault_set(fault, TOBI_E_LIMIT, "log", "decision",
				"a leaf has no room for all of it");
	} else if (RAND_bytes(salt, sizeof(salt)) != 1) {
		err = fault_set(fault, TOBI_E_CRYPTO, "log", "salt", "no random numbers");
	} else {
		leaf->salt = (struct tobi_bytes){salt, sizeof(salt)};
		err = log_leaf_write(leaf, out, fault);
	}
	arena_done(&arena);
	return err;
}
