/* Heads and decisions, for people and as JSON. */
#include <inttypes.h>
#include <stdio.h>

#include "base/file.h"
#include "base/hex.h"
#include "cli/log.h"
#include "log/leaf_json.h"

enum tobi_err log_load_head(const char *path, const uint8_t *id, struct writer *bytes,
			    struct log_head *ret_head, struct tobi_fault *fault)
{
	enum tobi_err err = file_read(path, LOG_HEAD_MAX, "head", bytes, fault);

	return err ? err : log_head_read(wr_view(bytes), id, ret_head, fault);
}

static json_t *hex_json(struct tobi_bytes bytes)
{
	char hex[2 * SHA384_SIZE + 1];

	hex_write(bytes, hex, sizeof(hex));
	return json_string(hex);
}

json_t *log_head_json(const struct log_head *head)
{
	char when[CLI_TIME_SIZE];

	cli_format_time(head->time, when);
	return json_pack("{s:s%, s:I, s:o, s:s, s:o}", "log",
			 (const char *)head->name.ptr, head->name.size, "size",
			 (json_int_t)head->size, "root",
			 hex_json(log_hash_view(&head->root)), "time", when, "key",
			 hex_json((struct tobi_bytes){head->key, SHA384_SIZE}));
}

static void print_field(const char *name, struct tobi_bytes text)
{
	if (!text.size)
		return;
	printf("%-10s ", name);
	cli_print_text(stdout, text);
	printf("\n");
}

static void print_hash(const char *name, struct tobi_bytes hash)
{
	char hex[2 * SHA384_SIZE + 1];

	if (!hash.size)
		return;
	hex_write(hash, hex, sizeof(hex));
	printf("%-10s %s\n", name, hex);
}

void log_print_head(const struct log_head *head)
{
	char when[CLI_TIME_SIZE];

	cli_format_time(head->time, when);
	print_field("log", head->name);
	print_hash("log key", (struct tobi_bytes){head->key, SHA384_SIZE});
	printf("head       %" PRIu64 " entries, %s\n", head->size, when);
	print_hash("root", log_hash_view(&head->root));
}

static void print_checks(const struct log_leaf *leaf, unsigned outcome)
{
	bool first = true;

	for (size_t i = 0; i < leaf->check_count; i++) {
		struct tobi_bytes code = leaf->checks[i].code;

		if (leaf->checks[i].outcome != outcome)
			continue;
		if (first)
			printf("%-10s", log_outcome_name(outcome));
		printf(" %.*s", (int)code.size, (const char *)code.ptr);
		first = false;
	}
	if (!first)
		printf("\n");
}

void log_print_leaf(uint64_t index, struct tobi_bytes bytes)
{
	struct log_leaf leaf;
	char when[CLI_TIME_SIZE];

	printf("entry      %" PRIu64 "\n", index);
	if (!bytes.size || log_leaf_read(bytes, &leaf, NULL)) {
		printf("           %s\n", bytes.size ? "what it says is not known here"
						     : "its hash alone is known");
		return;
	}
	cli_format_time(leaf.time, when);
	printf("decision   %s: %s, %s\n", log_kind_name(leaf.kind),
	       leaf.accepted ? "accepted" : "refused", when);
	print_field("action", leaf.action);
	print_field("resource", leaf.resource);
	if (leaf.version)
		printf("version    %" PRIu64 "\n", leaf.version);
	print_field("owner", leaf.principal);
	print_field("channel", leaf.channel);
	print_field("asked by", leaf.remote);
	print_field("reason", leaf.reason);
	print_hash("evidence", leaf.evidence);
	print_hash("policy", leaf.policy);
	for (unsigned outcome = 0; outcome < LOG_OUTCOMES; outcome++)
		print_checks(&leaf, outcome);
}

json_t *log_decision_json(struct tobi_bytes bytes)
{
	struct log_leaf leaf;

	return bytes.size && !log_leaf_read(bytes, &leaf, NULL) ? log_leaf_json(&leaf)
								: NULL;
}
