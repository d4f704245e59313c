/* tobichi broker rotate-keys: a new store key, and all secrets under it, while the broker
 * runs. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/broker.h"
#include "cli/broker_client.h"

/* So many at a time: no request takes long. */
enum { STEP = 200 };

struct sum {
	uint64_t generation, moved, failed;
};

static enum tobi_err rotate(struct broker_client *client, struct sum *sum,
			    struct tobi_fault *fault)
{
	json_t *answer = NULL;
	enum tobi_err err = broker_ask(client, "POST", "/v1/keys/rotate",
				       (struct tobi_bytes){0}, &answer, fault);

	sum->generation =
	    (uint64_t)json_integer_value(json_object_get(answer, "generation"));
	json_decref(answer);
	return err;
}

/* body says where to go on; it becomes the next step's. */
static enum tobi_err move_some(struct broker_client *client, json_t *body,
			       struct sum *sum, bool *ret_done, struct tobi_fault *fault)
{
	json_t *answer = NULL;
	enum tobi_err err = broker_ask_json(client, "POST", "/v1/keys/rewrap",
					    json_incref(body), &answer, fault);

	sum->moved += (uint64_t)json_integer_value(json_object_get(answer, "moved"));
	sum->failed += (uint64_t)json_integer_value(json_object_get(answer, "failed"));
	*ret_done = json_is_true(json_object_get(answer, "done"));
	if (!err && !*ret_done) {
		json_object_set(body, "after", json_object_get(answer, "after"));
		json_object_set(body, "version", json_object_get(answer, "version"));
	}
	json_decref(answer);
	return err;
}

static int say(const struct broker_options *options, const struct sum *sum)
{
	int status = EXIT_ACCEPTED;

	if (options->json)
		return cli_put_json(NULL, json_pack("{s:I, s:I, s:I}", "generation",
						    (json_int_t)sum->generation, "moved",
						    (json_int_t)sum->moved, "failed",
						    (json_int_t)sum->failed));
	printf("store key  %" PRIu64 "\nmoved      %" PRIu64 "\n", sum->generation,
	       sum->moved);
	if (sum->failed) {
		printf("failed     %" PRIu64 "\n", sum->failed);
		status =
		    cli_error("what failed was not sealed by a broker of these keys; "
			      "it is as it was, and cannot be released");
	}
	return status;
}

int broker_rotate_keys(int argc, char **argv)
{
	static const struct option known[] = {BROKER_OPTIONS, {NULL, 0, NULL, 0}};
	CLEANUP(broker_client_done) struct broker_client client = {0};
	struct broker_options options = {0};
	struct tobi_fault fault = {0};
	struct sum sum = {0};
	json_t *body;
	bool done = false;
	enum tobi_err err;
	int option;

	optind = 1;
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (!broker_option(&options, option))
			return cli_usage("broker", "wrong option");
	}
	if (optind != argc)
		return cli_usage("broker", "rotate-keys takes no argument");
	err = broker_client_open(&options, &client, &fault);
	if (!err)
		err = rotate(&client, &sum, &fault);
	body = json_pack("{s:i}", "limit", STEP);
	while (!err && !done)
		err = move_some(&client, body, &sum, &done, &fault);
	json_decref(body);
	return err ? broker_fail(&fault) : say(&options, &sum);
}
