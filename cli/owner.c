/* tobichi owner: who administers what at a broker. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/broker_action.h"

enum { LIST_MAX = 64 };

struct options {
	struct broker_options broker;
	const char *keys[LIMIT_BROKER_KEYS], *repositories[LIST_MAX];
	size_t key_count, repository_count;
	bool with_secrets;
};

static const struct tobi_bytes nothing;

/* ---- what the broker is asked ---- */

/* Names are put into a path as they are: so they must be ones. */
static enum tobi_err target_of(const char *name, const char *kind, const char *last,
			       char ret_target[static LIMIT_PATH],
			       struct tobi_fault *fault)
{
	if (!broker_is_name(name, 1, 1) || (last[0] && !broker_is_name(last, 1, 1)) ||
	    snprintf(ret_target, LIMIT_PATH, "/v1/owners/%s%s%s", name, kind, last) >=
		LIMIT_PATH)
		return fault_set(fault, TOBI_E_MALFORMED, "name", "",
				 "A-Z a-z 0-9 . _ - are allowed, without a dot at the "
				 "start");
	return TOBI_OK;
}

static enum tobi_err add_key(json_t *keys, const char *path, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer public = wr_init(LIMIT_PEM);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	enum tobi_err err = file_read(path, LIMIT_PEM, "key", &pem, fault);

	/* Read and written anew: never a private key by mistake. */
	if (!err)
		err = key_read_public(wr_view(&pem), path, &key, fault);
	if (!err)
		err = key_write_public(key, &public, fault);
	if (!err && json_array_append_new(
			keys, json_stringn((const char *)public.ptr, public.size)))
		err = fault_set(fault, TOBI_E_MEMORY, "key", "", "out of memory");
	return err;
}

static int finish(const struct options *options, enum tobi_err err, json_t *answer,
		  const struct tobi_fault *fault, const char *what, const char *name)
{
	if (err)
		return broker_fail(fault);
	if (options->broker.json)
		return cli_put_json(NULL, answer);
	json_decref(answer);
	printf("%s %s\n", what, name);
	return EXIT_ACCEPTED;
}

static int run_add(struct broker_client *client, const void *given, char **arguments,
		   int count)
{
	const struct options *options = given;
	json_t *keys = json_array(), *repositories = json_array(), *answer = NULL;
	struct tobi_fault fault = {0};
	enum tobi_err err = TOBI_OK;

	(void)count;
	if (!options->key_count)
		err = fault_set(&fault, TOBI_E_ARGUMENT, "owner", "key",
				"give --owner-key FILE: a public key of the owner");
	for (size_t i = 0; i < options->key_count && !err; i++)
		err = add_key(keys, options->keys[i], &fault);
	for (size_t i = 0; i < options->repository_count; i++)
		json_array_append_new(repositories,
				      json_string(options->repositories[i]));
	if (!err)
		err =
		    broker_ask_json(client, "POST", "/v1/owners",
				    json_pack("{s:s, s:O, s:O}", "name", arguments[0],
					      "keys", keys, "repositories", repositories),
				    &answer, &fault);
	json_decref(keys);
	json_decref(repositories);
	return finish(options, err, answer, &fault, "added owner", arguments[0]);
}

static int run_remove(struct broker_client *client, const void *given, char **arguments,
		      int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH], whole[LIMIT_PATH + 32];
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err = target_of(arguments[0], "", "", target, &fault);

	(void)count;
	snprintf(whole, sizeof(whole), "%s%s", err ? "" : target,
		 options->with_secrets ? "?secrets=delete" : "");
	if (!err)
		err = broker_ask(client, "DELETE", whole, nothing, &answer, &fault);
	return finish(options, err, answer, &fault, "removed owner", arguments[0]);
}

static int run_add_key(struct broker_client *client, const void *given, char **arguments,
		       int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *keys = json_array(), *answer = NULL;
	enum tobi_err err = target_of(arguments[0], "/keys", "", target, &fault);

	(void)count;
	if (!err)
		err = add_key(keys, arguments[1], &fault);
	if (!err)
		err = broker_ask_json(client, "POST", target,
				      json_pack("{s:O}", "key", json_array_get(keys, 0)),
				      &answer, &fault);
	json_decref(keys);
	return finish(options, err, answer, &fault, "added a key of", arguments[0]);
}

/* An id, or a file with the key. */
static enum tobi_err read_id(const char *text, char ret_id[static 2 * SHA384_SIZE + 1],
			     struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	uint8_t id[SHA384_SIZE];
	enum tobi_err err = TOBI_OK;

	if (!hex_read(text, id, sizeof(id))) {
		err = file_read(text, LIMIT_PEM, "key", &pem, fault);
		if (!err)
			err = key_read_public(wr_view(&pem), text, &key, fault);
		if (!err)
			err = key_spki_sha384(key, id, fault);
	}
	if (!err)
		hex_write((struct tobi_bytes){id, sizeof(id)}, ret_id,
			  2 * SHA384_SIZE + 1);
	return err;
}

static int run_remove_key(struct broker_client *client, const void *given,
			  char **arguments, int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH], id[2 * SHA384_SIZE + 1];
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err = read_id(arguments[1], id, &fault);

	(void)count;
	if (!err)
		err = target_of(arguments[0], "/keys/", id, target, &fault);
	if (!err)
		err = broker_ask(client, "DELETE", target, nothing, &answer, &fault);
	return finish(options, err, answer, &fault, "removed a key of", arguments[0]);
}

static int run_add_repository(struct broker_client *client, const void *given,
			      char **arguments, int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err = target_of(arguments[0], "/repositories", "", target, &fault);

	(void)count;
	if (!err)
		err = broker_ask_json(client, "POST", target,
				      json_pack("{s:s}", "repository", arguments[1]),
				      &answer, &fault);
	return finish(options, err, answer, &fault, "added a repository of",
		      arguments[0]);
}

static int run_remove_repository(struct broker_client *client, const void *given,
				 char **arguments, int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err =
	    target_of(arguments[0], "/repositories/", arguments[1], target, &fault);

	(void)count;
	if (!err)
		err = broker_ask(client, "DELETE", target, nothing, &answer, &fault);
	return finish(options, err, answer, &fault, "removed a repository of",
		      arguments[0]);
}

/* ---- lists ---- */

static void print_member(const char *label, const json_t *text)
{
	printf("  %-11s ", label);
	cli_print_text(stdout, bytes_of_text(json_string_value(text)));
	putchar('\n');
}

static void print_owner(const json_t *owner)
{
	const json_t *one;
	size_t at;

	cli_print_text(stdout,
		       bytes_of_text(json_string_value(json_object_get(owner, "name"))));
	putchar('\n');
	json_array_foreach(json_object_get(owner, "repositories"), at, one)
	    print_member("repository", one);
	json_array_foreach(json_object_get(owner, "keys"), at, one)
	    print_member("key", json_object_get(one, "id"));
}

static int list_all(struct broker_client *client, const struct options *options)
{
	json_t *owners = json_array(), *owner;
	struct tobi_fault fault = {0};
	size_t at;

	if (broker_ask_list(client, "/v1/owners", "owners", owners, &fault)) {
		json_decref(owners);
		return broker_fail(&fault);
	}
	if (options->broker.json)
		return cli_put_json(NULL, json_pack("{s:o}", "owners", owners));
	json_array_foreach(owners, at, owner) print_owner(owner);
	json_decref(owners);
	return EXIT_ACCEPTED;
}

static int run_list(struct broker_client *client, const void *given, char **arguments,
		    int count)
{
	const struct options *options = given;
	char target[LIMIT_PATH];
	struct tobi_fault fault = {0};
	json_t *owner = NULL;
	enum tobi_err err;

	if (count == 0)
		return list_all(client, options);
	err = target_of(arguments[0], "", "", target, &fault);
	if (!err)
		err = broker_ask(client, "GET", target, nothing, &owner, &fault);
	if (err)
		return broker_fail(&fault);
	if (options->broker.json)
		return cli_put_json(NULL, owner);
	print_owner(owner);
	json_decref(owner);
	return EXIT_ACCEPTED;
}

static int run_whoami(struct broker_client *client, const void *given, char **arguments,
		      int count)
{
	const struct options *options = given;
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	enum tobi_err err =
	    broker_ask(client, "GET", "/v1/whoami", nothing, &answer, &fault);

	(void)arguments, (void)count;
	if (err)
		return broker_fail(&fault);
	if (options->broker.json)
		return cli_put_json(NULL, answer);
	printf("%s ", json_is_true(json_object_get(answer, "operator")) ? "the operator,"
									: "the owner");
	cli_print_text(stdout,
		       bytes_of_text(json_string_value(json_object_get(answer, "name"))));
	putchar('\n');
	json_decref(answer);
	return EXIT_ACCEPTED;
}

/* A link that logs a browser in, once. The broker's answer is put behind the origin that
 * was asked, and nowhere else. */
static int run_login(struct broker_client *client, const void *given, char **arguments,
		     int count)
{
	const struct options *options = given;
	struct tobi_fault fault = {0};
	json_t *answer = NULL;
	const char *path;
	enum tobi_err err =
	    broker_ask(client, "POST", "/v1/login", nothing, &answer, &fault);

	(void)arguments, (void)count;
	path = json_string_value(json_object_get(answer, "path"));
	if (!err && (!path || path[0] != '/' || path[1] == '/'))
		err = fault_set(&fault, TOBI_E_PROTOCOL, "broker", "path",
				"its answer has no path to log in by");
	if (!err && options->broker.json) {
		json_object_set_new(answer, "url",
				    json_sprintf("%s%s", client->origin, path));
		return cli_put_json(NULL, answer);
	}
	if (!err) {
		printf("%s", client->origin);
		cli_print_text(stdout, bytes_of_text(path));
		putchar('\n');
	}
	json_decref(answer);
	return err ? broker_fail(&fault) : EXIT_ACCEPTED;
}

/* ---- arguments ---- */

static const struct broker_action actions[] = {
    {"add", "bkcjor", 1, 1, run_add},
    {"list", "bkcj", 0, 1, run_list},
    {"remove", "bkcjs", 1, 1, run_remove},
    {"add-key", "bkcj", 2, 2, run_add_key},
    {"remove-key", "bkcj", 2, 2, run_remove_key},
    {"add-repository", "bkcj", 2, 2, run_add_repository},
    {"remove-repository", "bkcj", 2, 2, run_remove_repository},
    {"whoami", "bkcj", 0, 0, run_whoami},
    {"login", "bkcj", 0, 0, run_login},
    {NULL, NULL, 0, 0, NULL},
};

static const struct option known[] = {
    BROKER_OPTIONS,
    {"owner-key", required_argument, NULL, 'o'},
    {"repository", required_argument, NULL, 'r'},
    {"with-secrets", no_argument, NULL, 's'},
    {NULL, 0, NULL, 0},
};

static const char *take_option(void *given, int option)
{
	struct options *options = given;

	if (option == 's')
		options->with_secrets = true;
	else if (option == 'o' && options->key_count < LIMIT_BROKER_KEYS)
		options->keys[options->key_count++] = optarg;
	else if (option == 'r' && options->repository_count < LIST_MAX)
		options->repositories[options->repository_count++] = optarg;
	else
		return "too many of one option";
	return NULL;
}

int cmd_owner(int argc, char **argv)
{
	static const struct broker_command command = {
	    .name = "owner",
	    .needs = "add, list, remove, add-key, remove-key, add-repository, "
		     "remove-repository, whoami or login",
	    .actions = actions,
	    .options = known,
	    .take = take_option};
	struct options options = {0};

	return broker_command_run(&command, &options, &options.broker, argc, argv);
}
