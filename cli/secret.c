/* tobichi secret: an owner's secrets at a broker. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/date.h"
#include "base/fault.h"
#include "cli/broker_client.h"
#include "cli/counter_broker.h"
#include "cli/guard.h"
#include "cli/broker_action.h"
#include "cli/secret_fetch.h"
#include "cli/secret_input.h"
#include "codec/base64.h"

struct options {
	struct broker_options broker;
	const char *policy, *file;
	int64_t expires; /* 0: never */
	uint64_t releases, grace, version;
	bool has_releases, has_grace;
};

/* ---- changes ---- */

/* The value goes from memory that is wiped into memory that is wiped, and through no
 * JSON library. body is an object without it. */
static enum tobi_err write_body(const struct secret *value, json_t *body,
				struct writer *out, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer rest = wr_init(LIMIT_BROKER_BODY);
	enum tobi_err err = json_write(body, false, &rest, fault);

	if (err)
		return err;
	wr_printf(out, "{\"value\":\"");
	base64_write(out, secret_view(value));
	wr_printf(out, rest.size > 2 ? "\"," : "\"");
	wr_bytes(out, rest.ptr + 1, rest.size - 1);
	return wr_err(out) ? fault_set(fault, wr_err(out), "secret", "",
				       "with its policy it is too large")
			   : TOBI_OK;
}

static enum tobi_err add_limits(json_t *body, const struct options *options,
				struct tobi_fault *fault)
{
	bool good = !options->expires ||
		    !json_object_set_new(body, "expires", json_integer(options->expires));

	if (good && options->has_releases)
		good = !json_object_set_new(body, "releases",
					    json_integer((json_int_t)options->releases));
	if (good && options->has_grace)
		good = !json_object_set_new(body, "grace",
					    json_integer((json_int_t)options->grace));
	if (!good)
		return fault_set(fault, TOBI_E_MEMORY, "secret", "", "out of memory");
	return options->policy ? broker_add_policy(body, options->policy, fault)
			       : TOBI_OK;
}

static enum tobi_err send_value(struct broker_client *client,
				const struct options *options, const char *file,
				const char *method, const char *target,
				json_t **ret_answer, struct tobi_fault *fault)
{
	CLEANUP(secret_done) struct secret value = {0};
	CLEANUP(wr_done) struct writer text = wr_init(LIMIT_BROKER_BODY);
	json_t *body = json_object();
	enum tobi_err err = add_limits(body, options, fault);

	if (!err)
		err = cli_read_secret(file, &value, fault);
	if (!err && value.size == 0)
		err = fault_set(fault, TOBI_E_ARGUMENT, "secret", "", "it is empty");
	if (!err)
		err = write_body(&value, body, &text, fault);
	if (!err)
		err =
		    broker_ask(client, method, target, wr_view(&text), ret_answer, fault);
	json_decref(body);
	return err;
}

/* "/v1/secrets/a/b/c" and what follows; a name that is none is an error here, so that
 * nothing of it can become another path. */
static enum tobi_err target_of(const char *name, const char *behind,
			       char ret_target[static LIMIT_PATH],
			       struct tobi_fault *fault)
{
	if (!broker_is_name(name, 3, 3) ||
	    snprintf(ret_target, LIMIT_PATH, "/v1/secrets/%s%s", name, behind) >=
		LIMIT_PATH)
		return fault_set(fault, TOBI_E_MALFORMED, "name", "",
				 "REPOSITORY/TYPE/TAG is needed, of A-Z a-z 0-9 . _ -, "
				 "no part with a dot at its start");
	return TOBI_OK;
}

static int say_version(const struct options *options, json_t *answer, const char *what)
{
	if (options->broker.json)
		return cli_put_json(NULL, answer);
	printf("%s ", what);
	cli_print_text(
	    stdout, bytes_of_text(json_string_value(json_object_get(answer, "secret"))));
	printf(", version %" PRId64 "\n",
	       (int64_t)json_integer_value(json_object_get(answer, "version")));
	json_decref(answer);
	return EXIT_ACCEPTED;
}

static int send_version(struct broker_client *client, const struct options *options,
			char **arguments, int count, const char *method,
			const char *behind, const char *said)
{
	const char *file = count > 1 ? arguments[1] : "-";
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err = target_of(arguments[0], behind, target, &fault);

	if (!err)
		err = send_value(client, options, file, method, target, &answer, &fault);
	return err ? broker_fail(&fault) : say_version(options, answer, said);
}

static int run_put(struct broker_client *client, const void *given, char **arguments,
		   int count)
{
	const struct options *options = given;
	return send_version(client, options, arguments, count, "PUT", "", "put");
}

static int run_rotate(struct broker_client *client, const void *given, char **arguments,
		      int count)
{
	const struct options *options = given;
	return send_version(client, options, arguments, count, "POST", "/versions",
			    "rotated");
}

static int delete_at(struct broker_client *client, const struct options *options,
		     const char *target, const char *what, const char *name)
{
	struct tobi_fault fault = {0};
	json_t *answer = NULL;

	if (broker_ask(client, "DELETE", target, (struct tobi_bytes){0}, &answer, &fault))
		return broker_fail(&fault);
	if (options->broker.json)
		return cli_put_json(NULL, answer);
	json_decref(answer);
	printf("deleted %s%s\n", what, name);
	return EXIT_ACCEPTED;
}

static int run_delete(struct broker_client *client, const void *given, char **arguments,
		      int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH], behind[48] = "";
	struct tobi_fault fault = {0};
	enum tobi_err err;

	(void)count;
	if (options->version)
		snprintf(behind, sizeof(behind), "/versions/%" PRIu64, options->version);
	err = target_of(arguments[0], behind, target, &fault);
	return err ? broker_fail(&fault)
		   : delete_at(client, options, target, "", arguments[0]);
}

/* ---- lists ---- */

static void print_time(const json_t *version, const char *name, const char *other)
{
	const json_t *member = json_object_get(version, name);
	char text[CLI_TIME_SIZE];

	if (!member)
		printf("  %-20s", other);
	else {
		cli_format_time(json_integer_value(member), text);
		printf("  %-20s", text);
	}
}

static void print_secret(const json_t *secret)
{
	const json_t *versions = json_object_get(secret, "versions"), *version;
	size_t at;

	json_array_foreach(versions, at, version)
	{
		const json_t *releases = json_object_get(version, "releases");

		printf("%7" PRId64 "%s",
		       (int64_t)json_integer_value(json_object_get(version, "version")),
		       json_is_true(json_object_get(version, "newest")) ? "*" : " ");
		print_time(version, "created", "");
		print_time(version, "expires", "never");
		if (releases)
			printf("  %8" PRId64, (int64_t)json_integer_value(releases));
		else
			printf("  %8s", "any");
		printf("  %8" PRId64 "  ",
		       (int64_t)json_integer_value(json_object_get(version, "size")));
		cli_print_text(stdout, bytes_of_text(json_string_value(
					   json_object_get(secret, "name"))));
		putchar('\n');
	}
}

static void print_header(void)
{
	printf("VERSION   %-20s  %-20s  %8s  %8s  NAME\n", "CREATED", "EXPIRES",
	       "RELEASES", "SIZE");
}

static int list_all(struct broker_client *client, const struct options *options)
{
	json_t *secrets = json_array(), *secret;
	struct tobi_fault fault = {0};
	size_t at;

	if (broker_ask_list(client, "/v1/secrets", "secrets", secrets, &fault)) {
		json_decref(secrets);
		return broker_fail(&fault);
	}
	if (options->broker.json)
		return cli_put_json(NULL, json_pack("{s:o}", "secrets", secrets));
	print_header();
	json_array_foreach(secrets, at, secret) print_secret(secret);
	json_decref(secrets);
	return EXIT_ACCEPTED;
}

static int run_list(struct broker_client *client, const void *given, char **arguments,
		    int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *secret = NULL;
	enum tobi_err err;

	if (count == 0)
		return list_all(client, options);
	err = target_of(arguments[0], "", target, &fault);
	if (!err)
		err = broker_ask(client, "GET", target, (struct tobi_bytes){0}, &secret,
				 &fault);
	if (err)
		return broker_fail(&fault);
	if (options->broker.json)
		return cli_put_json(NULL, secret);
	print_header();
	print_secret(secret);
	json_decref(secret);
	return EXIT_ACCEPTED;
}

/* ---- policies ---- */

static enum tobi_err policy_target(const char *scope, char ret_target[static LIMIT_PATH],
				   struct tobi_fault *fault)
{
	if (!broker_is_name(scope, 1, 3) ||
	    snprintf(ret_target, LIMIT_PATH, "/v1/policies/%s", scope) >= LIMIT_PATH)
		return fault_set(fault, TOBI_E_MALFORMED, "name", "",
				 "repository, repository/type or repository/type/tag is "
				 "needed");
	return TOBI_OK;
}

/* Of a secret that is there, the policy that counts for it; else of the scope itself. */
static enum tobi_err find_scope(struct broker_client *client, const char *name,
				char ret_scope[static LIMIT_PATH],
				struct tobi_fault *fault)
{
	char target[LIMIT_PATH];
	json_t *secret = NULL;
	const char *scope;
	enum tobi_err err;

	snprintf(ret_scope, LIMIT_PATH, "%s", name);
	if (target_of(name, "", target, NULL))
		return TOBI_OK;
	err = broker_ask(client, "GET", target, (struct tobi_bytes){0}, &secret, fault);
	if (err == TOBI_E_NOT_FOUND)
		return TOBI_OK;
	scope = json_string_value(
	    json_object_get(json_object_get(secret, "policy"), "scope"));
	if (!err && !scope)
		err = fault_set(fault, TOBI_E_NOT_FOUND, "policy", "",
				"none counts for %.200s: it is not released", name);
	if (!err)
		snprintf(ret_scope, LIMIT_PATH, "%s", scope);
	json_decref(secret);
	return err;
}

static int run_show_policy(struct broker_client *client, const void *given,
			   char **arguments, int count)
{
	const struct options *options = given;
	char scope[LIMIT_PATH], target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err = find_scope(client, arguments[0], scope, &fault);
	int status;

	(void)count;
	if (!err)
		err = policy_target(scope, target, &fault);
	if (!err)
		err = broker_ask(client, "GET", target, (struct tobi_bytes){0}, &answer,
				 &fault);
	if (err)
		return broker_fail(&fault);
	if (options->broker.json)
		return cli_put_json(NULL, answer);
	fprintf(stderr, "policy of %s\n", scope);
	status = cli_put(
	    NULL, bytes_of_text(json_string_value(json_object_get(answer, "policy"))));
	json_decref(answer);
	return status;
}

static int run_put_policy(struct broker_client *client, const void *given,
			  char **arguments, int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *body = json_object(), *answer = NULL;
	enum tobi_err err = policy_target(arguments[0], target, &fault);

	(void)count;
	if (!err)
		err = broker_add_policy(body, arguments[1], &fault);
	if (!err)
		err = broker_ask_json(client, "PUT", target, json_incref(body), &answer,
				      &fault);
	json_decref(body);
	if (err)
		return broker_fail(&fault);
	if (options->broker.json)
		return cli_put_json(NULL, answer);
	json_decref(answer);
	printf("put policy of %s\n", arguments[0]);
	return EXIT_ACCEPTED;
}

static int run_delete_policy(struct broker_client *client, const void *given,
			     char **arguments, int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	enum tobi_err err = policy_target(arguments[0], target, &fault);

	(void)count;
	return err ? broker_fail(&fault)
		   : delete_at(client, options, target, "policy of ", arguments[0]);
}

/* ---- counters ---- */

static int run_list_counters(struct broker_client *client, const void *given,
			     char **arguments, int count)
{
	const struct options *options = given;
	json_t *counters = json_array(), *counter;
	struct tobi_fault fault = {0};
	size_t at;

	(void)arguments, (void)count;
	if (broker_ask_list(client, "/v1/counters", "counters", counters, &fault)) {
		json_decref(counters);
		return broker_fail(&fault);
	}
	if (options->broker.json)
		return cli_put_json(NULL, json_pack("{s:o}", "counters", counters));
	printf("%19s  %-6s  %-20s  NAME\n", "VALUE", "OF", "CHANGED");
	json_array_foreach(counters, at, counter)
	{
		printf("%19" PRId64 "  %-6s",
		       (int64_t)json_integer_value(json_object_get(counter, "value")),
		       json_string_value(json_object_get(counter, "to")));
		print_time(counter, "changed", "");
		printf("  ");
		cli_print_text(stdout, bytes_of_text(json_string_value(
					   json_object_get(counter, "name"))));
		putchar('\n');
	}
	json_decref(counters);
	return EXIT_ACCEPTED;
}

static int run_delete_counter(struct broker_client *client, const void *given,
			      char **arguments, int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	enum tobi_err err = TOBI_OK;

	(void)count;
	if (!broker_is_name(arguments[0], 3, 3) ||
	    snprintf(target, sizeof(target), "/v1/counters/%s", arguments[0]) >=
		LIMIT_PATH)
		err = fault_set(&fault, TOBI_E_MALFORMED, "name", "",
				"repository/type/tag is needed");
	return err ? broker_fail(&fault)
		   : delete_at(client, options, target, "counter ", arguments[0]);
}

/* ---- arguments ---- */

static const struct broker_action actions[] = {
    {"put", "bkcjper", 1, 2, run_put},
    {"rotate", "bkcjerg", 1, 2, run_rotate},
    {"list", "bkcj", 0, 1, run_list},
    {"delete", "bkcjv", 1, 1, run_delete},
    {"show-policy", "bkcj", 1, 1, run_show_policy},
    {"put-policy", "bkcj", 2, 2, run_put_policy},
    {"delete-policy", "bkcj", 1, 1, run_delete_policy},
    {"list-counters", "bkcj", 0, 0, run_list_counters},
    {"delete-counter", "bkcj", 1, 1, run_delete_counter},
    {NULL, NULL, 0, 0, NULL},
};

static const struct option known[] = {
    BROKER_OPTIONS,
    {"policy", required_argument, NULL, 'p'},
    {"expires", required_argument, NULL, 'e'},
    {"releases", required_argument, NULL, 'r'},
    {"grace", required_argument, NULL, 'g'},
    {"version", required_argument, NULL, 'v'},
    {NULL, 0, NULL, 0},
};

/* "2026-05-17T12:00:00Z", or "+3600": so many seconds from now. */
static bool read_expiry(const char *text, int64_t *ret_seconds)
{
	uint64_t seconds;

	if (text[0] != '+')
		return date_read(text, ret_seconds) && *ret_seconds > 0;
	if (!cli_read_number(text + 1, UINT32_MAX, &seconds) || !seconds)
		return false;
	*ret_seconds = time(NULL) + (int64_t)seconds;
	return true;
}

static const char *take_option(void *given, int option)
{
	struct options *options = given;

	switch (option) {
	case 'p':
		options->policy = optarg;
		return NULL;
	case 'e':
		return read_expiry(optarg, &options->expires)
			   ? NULL
			   : "--expires has a wrong value";
	case 'r':
		options->has_releases = true;
		return cli_read_number(optarg, UINT32_MAX, &options->releases) &&
			       options->releases
			   ? NULL
			   : "--releases has a wrong value";
	case 'g':
		options->has_grace = true;
		return cli_read_number(optarg, UINT32_MAX, &options->grace)
			   ? NULL
			   : "--grace has a wrong value";
	default:
		return cli_read_number(optarg, INT64_MAX, &options->version) &&
			       options->version
			   ? NULL
			   : "--version has a wrong value";
	}
}

int cmd_secret(int argc, char **argv)
{
	static const struct broker_command command = {
	    .name = "secret",
	    .needs = "put, rotate, list, delete, fetch, show-policy, put-policy, "
		     "delete-policy, list-counters, delete-counter or counter",
	    .actions = actions,
	    .options = known,
	    .take = take_option,
	    .guarded = true};
	struct options options = {0};

	/* It speaks for a machine, and to no listener of owners. */
	if (argc > 1 && strcmp(argv[1], "fetch") == 0)
		return secret_fetch(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "counter") == 0)
		return counter_at_broker(argc - 1, argv + 1);
	return broker_command_run(&command, &options, &options.broker, argc, argv);
}
