/* `tobichi log prove`: an entry, or the way from an earlier head, in one file that
 * anybody can check later, when the broker is gone. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"
#include "base/file.h"
#include "cli/log.h"

struct proving {
	const struct log_options *options;
	struct log_source source;
	struct writer head_bytes, older_bytes, leaf;
	struct log_head head;
	struct log_record record;
};

static enum tobi_err keep_leaf(void *context, uint64_t index, const struct log_hash *hash,
			       struct tobi_bytes leaf, struct tobi_fault *fault)
{
	struct proving *proving = context;

	(void)index;
	(void)fault;
	proving->record.leaf_hash = *hash;
	wr_bytes(&proving->leaf, leaf.ptr, leaf.size);
	return wr_err(&proving->leaf);
}

static enum tobi_err prove_entry(struct proving *proving, uint64_t index,
				 struct tobi_fault *fault)
{
	struct log_record *record = &proving->record;
	uint64_t count = 0;
	enum tobi_err err;

	record->kind = LOG_RECORD_INCLUSION;
	if (index >= proving->head.size)
		return fault_set(fault, TOBI_E_NOT_FOUND, "log", "entry",
				 "the log has %" PRIu64 " entries", proving->head.size);
	err = log_fetch_leaves(&proving->source, index, 1, keep_leaf, proving, &count,
			       fault);
	if (err == TOBI_E_NOT_FOUND || (!err && !count))
		err = fault_set(fault, TOBI_E_MISMATCH, "log", "entry",
				"ENTRY ERASED: entry %" PRIu64
				" is not there, of the %" PRIu64 " that the head has",
				index, proving->head.size);
	if (!err)
		err = log_fetch_inclusion(&proving->source, proving->head.size, index,
					  &record->inclusion, fault);
	record->leaf = wr_view(&proving->leaf);
	return err;
}

static enum tobi_err prove_growth(struct proving *proving, struct tobi_fault *fault)
{
	struct log_record *record = &proving->record;
	struct log_head older;
	enum tobi_err err;

	record->kind = LOG_RECORD_CONSISTENCY;
	err = log_load_head(proving->options->since, log_options_id(proving->options),
			    &proving->older_bytes, &older, fault);
	if (!err)
		err = log_head_follows(&older, &proving->head, fault);
	if (!err)
		err = log_fetch_consistency(&proving->source, older.size,
					    proving->head.size, &record->consistency,
					    fault);
	record->older = wr_view(&proving->older_bytes);
	return err;
}

static enum tobi_err prove(struct proving *proving, uint64_t index,
			   struct tobi_fault *fault)
{
	const uint8_t *id = log_options_id(proving->options);
	enum tobi_err err = log_fetch_head(&proving->source, &proving->head_bytes, fault);

	if (!err)
		err = log_head_read(wr_view(&proving->head_bytes), id, &proving->head,
				    fault);
	if (err)
		return err;
	proving->record.head = wr_view(&proving->head_bytes);
	err = proving->options->since ? prove_growth(proving, fault)
				      : prove_entry(proving, index, fault);
	/* What is written down is what will verify. */
	return err ? err
		   : log_record_verify(&proving->record, id, &proving->head, NULL, fault);
}

static int show(const struct proving *proving, const char *path)
{
	const struct log_record *record = &proving->record;
	json_t *json;

	if (!proving->options->broker.json) {
		log_print_head(&proving->head);
		if (record->kind == LOG_RECORD_INCLUSION)
			log_print_leaf(record->inclusion.index, record->leaf);
		else
			printf("since      %" PRIu64 " entries\n",
			       record->consistency.from);
		printf("proof      %s\n", path);
		return EXIT_ACCEPTED;
	}
	json =
	    json_pack("{s:s, s:o}", "proof", path, "head", log_head_json(&proving->head));
	if (record->kind == LOG_RECORD_INCLUSION)
		json_object_set_new(json, "index",
				    json_integer((json_int_t)record->inclusion.index));
	else
		json_object_set_new(json, "since",
				    json_integer((json_int_t)record->consistency.from));
	if (record->leaf.size)
		json_object_set_new(json, "decision", log_decision_json(record->leaf));
	return cli_put_json(NULL, json);
}

static int run(const struct log_options *options, uint64_t index)
{
	CLEANUP(wr_done) struct writer out = wr_init(LOG_RECORD_MAX);
	struct proving proving = {.options = options,
				  .head_bytes = wr_init(LOG_HEAD_MAX),
				  .older_bytes = wr_init(LOG_HEAD_MAX),
				  .leaf = wr_init(LOG_LEAF_MAX)};
	char name[64];
	const char *path = options->out ? options->out : name;
	struct tobi_fault fault = {0};
	enum tobi_err err = log_source_open(options, &proving.source, &fault);
	int status;

	if (!err)
		err = prove(&proving, index, &fault);
	if (!err)
		err = log_record_write(&proving.record, &out, &fault);
	if (options->since)
		snprintf(name, sizeof(name), "since-%" PRIu64 ".proof",
			 proving.record.consistency.from);
	else
		snprintf(name, sizeof(name), "entry-%" PRIu64 ".proof", index);
	if (!err)
		err = file_write(path, 0644, wr_view(&out), "proof", &fault);
	status = err ? cli_fail(&fault) : show(&proving, path);
	/* What a broker cannot prove is no trouble of this program's. */
	if (err == TOBI_E_MISMATCH || err == TOBI_E_SIGNATURE || err == TOBI_E_DENIED)
		status = EXIT_REFUSED;
	log_source_done(&proving.source);
	wr_done(&proving.head_bytes);
	wr_done(&proving.older_bytes);
	wr_done(&proving.leaf);
	return status;
}

int log_prove(const struct log_options *options)
{
	uint64_t index = 0;

	if (!options->broker.url)
		return cli_usage(LOG_COMMAND, "prove needs --broker URL");
	if (options->since ? options->file_count != 0 : options->file_count != 1)
		return cli_usage(LOG_COMMAND, "prove needs the number of an entry, or "
					      "--since HEAD");
	if (!options->since && !cli_read_number(options->files[0], LOG_SIZE_MAX, &index))
		return cli_usage(LOG_COMMAND, "an entry has a number, from 0 on");
	return run(options, index);
}
