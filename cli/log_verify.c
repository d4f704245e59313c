/* `tobichi log verify`: files that `tobichi log prove` wrote, without a network. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fault.h"
#include "base/file.h"
#include "cli/log.h"

struct proof {
	const char *path;
	struct writer bytes;
	struct log_record record;
	struct log_head head, older;
	enum tobi_err err; /* of a proof that could be read, and does not hold */
	struct tobi_fault fault;
};

static enum tobi_err load(const struct log_options *options, const char *path,
			  struct proof *proof, struct tobi_fault *fault)
{
	enum tobi_err err;

	proof->path = path;
	proof->bytes = wr_init(LOG_RECORD_MAX);
	err = file_read(path, LOG_RECORD_MAX, "proof file", &proof->bytes, fault);
	if (!err)
		err = log_record_read(wr_view(&proof->bytes), &proof->record, fault);
	if (err)
		return err;
	err = log_record_verify(&proof->record, log_options_id(options), &proof->head,
				&proof->older, &proof->fault);
	if (err && err != TOBI_E_MISMATCH && err != TOBI_E_SIGNATURE) {
		*fault = proof->fault;
		return err;
	}
	proof->err = err;
	return TOBI_OK;
}

static bool same_head(const struct log_head *a, const struct log_head *b)
{
	return a->size == b->size && log_hash_equal(&a->root, &b->root);
}

/* Two heads are of one log when they are the same, or one of the files leads from the one
 * to the other. */
static bool is_linked(const struct proof *proofs, int count, const struct log_head *a,
		      const struct log_head *b)
{
	if (same_head(a, b))
		return true;
	for (int i = 0; i < count; i++) {
		const struct proof *proof = &proofs[i];

		if (proof->err || proof->record.kind != LOG_RECORD_CONSISTENCY)
			continue;
		if ((same_head(&proof->older, a) && same_head(&proof->head, b)) ||
		    (same_head(&proof->older, b) && same_head(&proof->head, a)))
			return true;
	}
	return false;
}

/* Against the head that the caller has. A proof whose own head is the same, or linked. */
static void compare(struct proof *proof, const struct proof *proofs, int count,
		    const struct log_head *head)
{
	bool newer = proof->head.size >= head->size;

	if (proof->err)
		return;
	proof->err = log_head_follows(newer ? head : &proof->head,
				      newer ? &proof->head : head, &proof->fault);
	if (proof->err || is_linked(proofs, count, &proof->head, head) ||
	    (proof->record.kind == LOG_RECORD_CONSISTENCY &&
	     same_head(&proof->older, head)))
		return;
	proof->err = fault_set(
	    &proof->fault, TOBI_E_MISMATCH, "head", "",
	    "nothing leads from the head of %" PRIu64 " entries to that of %" PRIu64
	    ": `tobichi log prove --since` gets what does",
	    newer ? head->size : proof->head.size, newer ? proof->head.size : head->size);
}

static json_t *proof_json(const struct proof *proof)
{
	json_t *json = json_pack("{s:s, s:s}", "file", proof->path, "verdict",
				 proof->err ? "refuse" : "accept");
	char text[512];

	if (proof->err) {
		tobi_fault_print(&proof->fault, text, sizeof(text));
		json_object_set_new(json, "reason", json_string(text));
		return json;
	}
	json_object_set_new(json, "head", log_head_json(&proof->head));
	if (proof->record.kind == LOG_RECORD_CONSISTENCY) {
		json_object_set_new(json, "since", log_head_json(&proof->older));
		return json;
	}
	json_object_set_new(json, "index",
			    json_integer((json_int_t)proof->record.inclusion.index));
	json_object_set_new(json, "decision",
			    proof->record.leaf.size
				? log_decision_json(proof->record.leaf)
				: json_null());
	return json;
}

static void print_proof(const struct proof *proof)
{
	printf("file       %s\n", proof->path);
	if (proof->err) {
		char text[512];

		tobi_fault_print(&proof->fault, text, sizeof(text));
		printf("verdict    REFUSE: ");
		cli_print_text(stdout, bytes_of_text(text));
		printf("\n");
		return;
	}
	log_print_head(&proof->head);
	if (proof->record.kind == LOG_RECORD_INCLUSION)
		log_print_leaf(proof->record.inclusion.index, proof->record.leaf);
	else
		printf("since      %" PRIu64
		       " entries, of which none was changed or erased\n",
		       proof->older.size);
	printf("verdict    ACCEPT\n");
}

static int judge(const struct log_options *options, struct proof *proofs)
{
	json_t *list = json_array();
	int status = EXIT_ACCEPTED, put = EXIT_ACCEPTED;

	for (int i = 0; i < options->file_count; i++) {
		if (proofs[i].err)
			status = EXIT_REFUSED;
		if (options->broker.json)
			json_array_append_new(list, proof_json(&proofs[i]));
		else
			print_proof(&proofs[i]);
	}
	if (options->broker.json)
		put = cli_put_json(NULL, json_incref(list));
	json_decref(list);
	return put ? put : status;
}

static int run(const struct log_options *options, struct proof *proofs)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LOG_HEAD_MAX);
	struct log_head head;
	struct tobi_fault fault = {0};

	for (int i = 0; i < options->file_count; i++) {
		if (load(options, options->files[i], &proofs[i], &fault))
			return cli_fail(&fault);
	}
	if (options->head &&
	    log_load_head(options->head, log_options_id(options), &bytes, &head, &fault))
		return cli_fail(&fault);
	for (int i = 0; options->head && i < options->file_count; i++)
		compare(&proofs[i], proofs, options->file_count, &head);
	return judge(options, proofs);
}

int log_verify(const struct log_options *options)
{
	struct proof *proofs;
	int status;

	if (!options->has_id)
		return cli_usage(LOG_COMMAND, "verify needs --log-key: the log's public "
					      "key, or its id");
	if (options->file_count < 1 || options->file_count > LOG_FILES_MAX)
		return cli_usage(LOG_COMMAND, "verify needs 1 to %d files",
				 LOG_FILES_MAX);
	proofs = calloc((size_t)options->file_count, sizeof(*proofs));
	if (!proofs)
		return cli_error("out of memory");
	status = run(options, proofs);
	for (int i = 0; i < options->file_count; i++)
		wr_done(&proofs[i].bytes);
	free(proofs);
	return status;
}
