/* tobichi certificate: what an owner's enclaves are certified for, and their CA. */
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "cli/broker_client.h"
#include "cli/certificate_request.h"
#include "codec/json.h"

#define COMMAND_NAME "certificate"
#define AUTHORITY "/v1/certificate-authority"

enum { PROFILE_MAX = 32 << 10, CHAIN_MAX = 48 << 10 };

struct options {
	struct broker_options broker;
	const char *output;
	bool request;
};

/* A subcommand: its own options, among those of all, and how many arguments. */
struct action {
	const char *name, *takes; /* of getopt's letters */
	int least, most;
	int (*run)(struct broker_client *client, const struct options *options,
		   char **arguments);
};

static const struct tobi_bytes nothing;

static int finish(const struct options *options, json_t *answer, const char *what,
		  const char *name)
{
	if (options->broker.json)
		return cli_put_json(NULL, answer);
	json_decref(answer);
	printf("%s %s\n", what, name);
	return EXIT_ACCEPTED;
}

/* ---- profiles ---- */

static enum tobi_err target_of(const char *scope, char ret_target[static LIMIT_PATH],
			       struct tobi_fault *fault)
{
	if (!broker_is_name(scope, 1, 3) ||
	    snprintf(ret_target, LIMIT_PATH, "/v1/certificate-profiles/%s", scope) >=
		LIMIT_PATH)
		return fault_set(fault, TOBI_E_MALFORMED, "name", "",
				 "repository, repository/type or repository/type/tag is "
				 "needed");
	return TOBI_OK;
}

static int run_put_profile(struct broker_client *client, const struct options *options,
			   char **arguments)
{
	CLEANUP(wr_done) struct writer text = wr_init(PROFILE_MAX);
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err = target_of(arguments[0], target, &fault);

	if (!err)
		err = file_read(arguments[1], PROFILE_MAX, "profile", &text, &fault);
	if (!err)
		err = broker_ask(client, "PUT", target, wr_view(&text), &answer, &fault);
	return err ? broker_fail(&fault)
		   : finish(options, answer, "put certificate profile of", arguments[0]);
}

static int run_delete_profile(struct broker_client *client, const struct options *options,
			      char **arguments)
{
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err = target_of(arguments[0], target, &fault);

	if (!err)
		err = broker_ask(client, "DELETE", target, nothing, &answer, &fault);
	return err ? broker_fail(&fault)
		   : finish(options, answer, "deleted certificate profile of",
			    arguments[0]);
}

static void print_profile(const json_t *row)
{
	const json_t *profile = json_object_get(row, "profile"), *name;
	size_t at;

	cli_print_text(stdout,
		       bytes_of_text(json_string_value(json_object_get(row, "scope"))));
	putchar(':');
	json_array_foreach(json_object_get(profile, "names"), at, name)
	{
		putchar(' ');
		cli_print_text(stdout, bytes_of_text(json_string_value(name)));
	}
	putchar('\n');
}

static int run_list_profiles(struct broker_client *client, const struct options *options,
			     char **arguments)
{
	struct tobi_fault fault = {0};
	json_t *answer = NULL, *row;
	enum tobi_err err = broker_ask(client, "GET", "/v1/certificate-profiles", nothing,
				       &answer, &fault);
	size_t at;

	(void)arguments;
	if (err)
		return broker_fail(&fault);
	if (options->broker.json)
		return cli_put_json(NULL, answer);
	json_array_foreach(json_object_get(answer, "profiles"), at, row)
	    print_profile(row);
	json_decref(answer);
	return EXIT_ACCEPTED;
}

/* ---- the CA ---- */

static int put_authority(const struct options *options, json_t *answer)
{
	const char *text = json_string_value(
	    json_object_get(answer, options->request ? "request" : "certificate"));
	int status;

	if (options->broker.json)
		return cli_put_json(options->output, answer);
	status = text ? cli_put(options->output, bytes_of_text(text))
		      : cli_error("the broker's answer has no certificate");
	json_decref(answer);
	return status;
}

static int run_ca(struct broker_client *client, const struct options *options,
		  char **arguments)
{
	struct tobi_fault fault = {0};
	json_t *answer = NULL;

	(void)arguments;
	return broker_ask(client, "GET", AUTHORITY, nothing, &answer, &fault)
		   ? broker_fail(&fault)
		   : put_authority(options, answer);
}

static int run_import_ca(struct broker_client *client, const struct options *options,
			 char **arguments)
{
	CLEANUP(wr_done) struct writer pem = wr_init(CHAIN_MAX);
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err =
	    file_read(arguments[0], CHAIN_MAX, "certificate", &pem, &fault);

	if (!err)
		err = broker_ask_json(
		    client, "PUT", AUTHORITY,
		    json_pack("{s:s%}", "certificate", (const char *)pem.ptr, pem.size),
		    &answer, &fault);
	return err ? broker_fail(&fault)
		   : finish(options, answer, "the CA's certificate is", arguments[0]);
}

static int run_new_ca(struct broker_client *client, const struct options *options,
		      char **arguments)
{
	struct tobi_fault fault = {0};
	json_t *answer = NULL;

	(void)arguments;
	return broker_ask(client, "DELETE", AUTHORITY, nothing, &answer, &fault)
		   ? broker_fail(&fault)
		   : finish(options, answer, "the next certificate is signed by",
			    "a new CA");
}

/* ---- arguments ---- */

static const struct action actions[] = {
    {"put-profile", "bkcj", 2, 2, run_put_profile},
    {"list-profiles", "bkcj", 0, 0, run_list_profiles},
    {"delete-profile", "bkcj", 1, 1, run_delete_profile},
    {"ca", "bkcjor", 0, 0, run_ca},
    {"import-ca", "bkcj", 1, 1, run_import_ca},
    {"new-ca", "bkcj", 0, 0, run_new_ca},
};

static const struct option known[] = {
    BROKER_OPTIONS,
    {"output", required_argument, NULL, 'o'},
    {"request", no_argument, NULL, 'r'},
    {NULL, 0, NULL, 0},
};

static const struct action *find_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	}
	return NULL;
}

static int run(const struct action *action, const struct options *options, char **rest)
{
	CLEANUP(broker_client_done) struct broker_client client = {0};
	struct tobi_fault fault = {0};

	if (broker_client_open(&options->broker, &client, &fault))
		return cli_fail(&fault);
	return action->run(&client, options, rest);
}

int cmd_certificate(int argc, char **argv)
{
	const struct action *action = argc > 1 ? find_action(argv[1]) : NULL;
	struct options options = {0};
	int option;

	if (argc > 1 && strcmp(argv[1], "request") == 0)
		return certificate_request(argc - 1, argv + 1);
	if (!action)
		return cli_usage(COMMAND_NAME,
				 "it needs put-profile, list-profiles, delete-profile, "
				 "ca, import-ca, new-ca or request");
	argc--;
	argv++;
	optind = 1;
	while ((option = getopt_long(argc, argv, "o:", known, NULL)) != -1) {
		if (option == '?' || !strchr(action->takes, option))
			return cli_usage(COMMAND_NAME, "wrong option");
		if (broker_option(&options.broker, option))
			continue;
		if (option == 'o')
			options.output = optarg;
		else
			options.request = true;
	}
	if (argc - optind < action->least || argc - optind > action->most)
		return cli_usage(COMMAND_NAME, "%s takes other arguments", action->name);
	return run(action, &options, argv + optind);
}
