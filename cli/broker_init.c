#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "cli/broker.h"

enum { MADE_MAX = 8, YAML_MAX = 16 << 10 };

/* What was made is taken away when the rest fails: the next try finds nothing in its way.
 */
struct made {
	char folder[LIMIT_PATH];
	bool folder_is_new;
	char paths[MADE_MAX][LIMIT_PATH + 32];
	size_t count;
};

static void take_back(struct made *made)
{
	while (made->count)
		unlink(made->paths[--made->count]);
	if (made->folder_is_new && made->folder[0])
		rmdir(made->folder);
}

static enum tobi_err make_file(struct made *made, const char *name, mode_t mode,
			       struct tobi_bytes bytes, struct tobi_fault *fault)
{
	char path[LIMIT_PATH + 32];
	enum tobi_err err;

	snprintf(path, sizeof(path), "%s/%s", made->folder, name);
	err = file_write_new(path, mode, bytes, "broker", fault);
	if (!err)
		bytes_copy(made->paths[made->count++], sizeof(made->paths[0]), path,
			   strlen(path) + 1);
	return err;
}

static enum tobi_err make_folder(const struct broker_plan *plan, struct made *made,
				 struct tobi_fault *fault)
{
	CLEANUP(freep) char *whole = NULL;

	made->folder_is_new = mkdir(plan->folder, 0700) == 0;
	if (!made->folder_is_new && errno != EEXIST)
		return fault_errno(fault, "broker", "", "cannot make %s", plan->folder);
	/* The configuration names files by their whole paths. */
	whole = realpath(plan->folder, NULL);
	if (!whole)
		return fault_errno(fault, "broker", "", "%s cannot be used",
				   plan->folder);
	if (strlen(whole) >= sizeof(made->folder))
		return fault_set(fault, TOBI_E_LIMIT, "broker", "",
				 "the folder's path is too long");
	bytes_copy(made->folder, sizeof(made->folder), whole, strlen(whole) + 1);
	return TOBI_OK;
}

static enum tobi_err make_key(struct made *made, const char *name, const char *public,
			      enum key_kind kind, EVP_PKEY **ret_key,
			      struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	CLEANUP(wr_done) struct writer public_pem = wr_init(LIMIT_PEM);
	enum tobi_err err = key_new(kind, &key, fault);

	if (!err)
		err = key_write_private(key, &pem, fault);
	if (!err)
		err = make_file(made, name, 0600, wr_view(&pem), fault);
	if (!err && public)
		err = key_write_public(key, &public_pem, fault);
	if (!err && public)
		err = make_file(made, public, 0644, wr_view(&public_pem), fault);
	if (!err && ret_key)
		*ret_key = TAKE(key);
	return err;
}

static enum tobi_err make_certificate(const struct broker_plan *plan, struct made *made,
				      struct tobi_fault *fault)
{
	CLEANUP(EVP_PKEY_freep) EVP_PKEY *key = NULL;
	CLEANUP(wr_done) struct writer pem = wr_init(LIMIT_PEM);
	enum tobi_err err = make_key(made, "tls.key", NULL, KEY_P256, &key, fault);

	if (!err)
		err = broker_certificate(key, plan->hosts, plan->host_count, &pem, fault);
	return err ? err : make_file(made, "tls.pem", 0644, wr_view(&pem), fault);
}

/* A text in quotes: nothing that people give is YAML's. */
static void put(struct writer *out, const char *key, const char *text)
{
	if (text)
		wr_printf(out, "%s: '%s'\n", key, text);
}

/* With what stands in quotes nothing may end them. */
static bool is_plain(const char *text)
{
	return !text ||
	       (!strpbrk(text, "'\\") &&
		utf8_is_text((struct tobi_bytes){(const uint8_t *)text, strlen(text)}));
}

static bool plan_is_plain(const struct broker_plan *plan)
{
	const char *const texts[] = {
	    plan->name,	    plan->listen,	plan->database, plan->keys,
	    plan->pin_file, plan->certificate,	plan->tls_key,	plan->folder,
	    plan->user,	    plan->operator_key, plan->metrics};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (!is_plain(texts[i]))
			return false;
	}
	for (size_t i = 0; i < plan->host_count; i++) {
		if (!is_plain(plan->hosts[i]))
			return false;
	}
	return true;
}

static void write_yaml(const struct broker_plan *plan, const struct made *made,
		       struct writer *out)
{
	char database[LIMIT_PATH + 32], keys[LIMIT_PATH + 32], name[LIMIT_PATH + 32];

	snprintf(database, sizeof(database), "sqlite:%s/broker.db", made->folder);
	snprintf(keys, sizeof(keys), "file:%s/wrap.key", made->folder);
	snprintf(name, sizeof(name), "https://%s", plan->hosts[0]);
	wr_printf(out, "# tobichi-broker.yaml(5) has every key.\n");
	put(out, "name", plan->name ? plan->name : name);
	wr_printf(out, "listen:\n  - '%s'\nhosts:\n", plan->listen);
	for (size_t i = 0; i < plan->host_count; i++)
		wr_printf(out, "  - '%s'\n", plan->hosts[i]);
	if (plan->plain)
		put(out, "plain", "loopback");
	else
		wr_printf(out, "tls:\n  certificate: '%s'\n  key: '%s'\n",
			  plan->certificate ? plan->certificate : "tls.pem",
			  plan->tls_key ? plan->tls_key : "tls.key");
	put(out, "database", plan->database ? plan->database : database);
	put(out, "keys", plan->keys ? plan->keys : keys);
	put(out, "pin-file", plan->pin_file);
	put(out, "token-key", "token.key");
	wr_printf(out, "operators:\n  - '%s'\n",
		  plan->operator_key ? plan->operator_key : "operator.pub");
	put(out, "metrics", plan->metrics);
	put(out, "user", plan->user);
}

static enum tobi_err make_files(const struct broker_plan *plan, struct made *made,
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer yaml = wr_init(YAML_MAX);
	enum tobi_err err = make_folder(plan, made, fault);

	if (!err)
		err = make_key(made, "token.key", NULL, KEY_P256, NULL, fault);
	if (!err && !plan->certificate && !plan->plain)
		err = make_certificate(plan, made, fault);
	if (!err && !plan->operator_key)
		err =
		    make_key(made, "operator.key", "operator.pub", KEY_P384, NULL, fault);
	if (err)
		return err;
	write_yaml(plan, made, &yaml);
	err = wr_err(&yaml);
	return err ? fault_set(fault, err, "broker", "", "the configuration is too long")
		   : make_file(made, BROKER_CONFIG, 0644, wr_view(&yaml), fault);
}

/* Files that root makes are the broker's user's. */
static enum tobi_err hand_over(const struct broker_plan *plan, const struct made *made,
			       struct tobi_fault *fault)
{
	const struct passwd *user = NULL;

	if (!plan->user || geteuid() != 0)
		return TOBI_OK;
	errno = 0;
	user = getpwnam(plan->user);
	if (!user)
		return fault_set(fault, TOBI_E_NOT_FOUND, "broker", "user",
				 "there is no user %s", plan->user);
	if (chown(made->folder, user->pw_uid, user->pw_gid))
		return fault_errno(fault, "broker", "user", "cannot hand over %s",
				   made->folder);
	for (size_t i = 0; i < made->count; i++) {
		if (chown(made->paths[i], user->pw_uid, user->pw_gid))
			return fault_errno(fault, "broker", "user", "cannot hand over %s",
					   made->paths[i]);
	}
	return TOBI_OK;
}

static void say_what_next(const struct broker_plan *plan, const struct made *made)
{
	const char *scheme = plan->plain ? "http" : "https";
	bool own = !plan->certificate && !plan->plain;

	printf("made a broker in %s\n", made->folder);
	if (!plan->operator_key)
		printf("  operator.key  names owners, and sees no secret: keep it "
		       "elsewhere\n");
	if (!plan->keys)
		printf("  wrap.key      without it nothing can be opened: keep a copy, "
		       "apart from those of\n"
		       "                the database\n");
	printf("\nNext:\n"
	       "  tobichi broker serve --config %s/" BROKER_CONFIG "\n"
	       "  tobichi keygen -o alice\n"
	       "  tobichi owner add alice --owner-key alice.pub --repository alice "
	       "--key %s \\\n"
	       "    --broker %s://%s%s%s\n",
	       made->folder, plan->operator_key ? "OPERATOR.key" : "operator.key", scheme,
	       plan->hosts[0], own ? " --tls-ca " : "", own ? "tls.pem" : "");
}

static json_t *path_in(const struct made *made, const char *name)
{
	return json_sprintf("%s/%s", made->folder, name);
}

/* What was made: keys that are somewhere else are null. */
static int say_as_json(const struct broker_plan *plan, const struct made *made)
{
	bool own = !plan->certificate && !plan->plain;
	json_t *json =
	    json_pack("{s:s,s:o,s:s,s:o,s:o,s:o,s:o}", "folder", made->folder, "config",
		      path_in(made, BROKER_CONFIG), "host", plan->hosts[0], "token_key",
		      path_in(made, "token.key"), "certificate",
		      own ? path_in(made, "tls.pem") : json_null(), "operator_key",
		      plan->operator_key ? json_null() : path_in(made, "operator.key"),
		      "wrap_key", plan->keys ? json_null() : path_in(made, "wrap.key"));

	return json ? cli_put_json(NULL, json) : cli_error("out of memory");
}

int broker_init(const struct broker_plan *given)
{
	struct broker_plan plan = *given;
	CLEANUP(freep) struct made *made = calloc(1, sizeof(*made));
	struct tobi_fault fault = {0};
	enum tobi_err err;
	int status;

	if (!made)
		return cli_error("out of memory");
	if (!plan_is_plain(&plan))
		return cli_usage("broker", "a quote or a backslash cannot be in a value");
	if (!plan.host_count)
		plan.hosts[plan.host_count++] = plan.listen;
	/* Said in the file, so that it is seen. */
	if (!plan.user && geteuid() == 0)
		plan.user = "root";
	err = make_files(&plan, made, &fault);
	if (!err)
		err = hand_over(&plan, made, &fault);
	if (err) {
		take_back(made);
		return cli_fail(&fault);
	}
	status =
	    broker_call((char *[]){(char *)"tobichi-broker", (char *)"--config",
				   made->paths[made->count - 1], (char *)"init", NULL});
	if (status) {
		take_back(made);
		return status;
	}
	if (plan.json)
		return say_as_json(&plan, made);
	say_what_next(&plan, made);
	return EXIT_ACCEPTED;
}
