#include "cli/collateral.h"

#include <string.h>

#include "base/fault.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} parts[] = {
    {"show", collateral_show},
    {"fetch", collateral_fetch},
    {"bundle", collateral_bundle},
    {"update", collateral_update},
};

int cmd_collateral(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strcmp(argv[1], parts[i].name) == 0)
			return parts[i].run(argc - 1, argv + 1);
	}
	return cli_usage(COLLATERAL_COMMAND, "it needs show, fetch, bundle or update");
}

enum tobi_err collateral_load_all(char **paths, size_t count,
				  struct tobi_collateral **ret_set,
				  struct tobi_fault *fault)
{
	CLEANUP(tobi_collateral_freep)
	struct tobi_collateral *set = tobi_collateral_new();
	enum tobi_err err = TOBI_OK;

	if (!set)
		return fault_set(fault, TOBI_E_MEMORY, "collateral", "", "out of memory");
	for (size_t i = 0; i < count && !err; i++)
		err = collateral_load(set, paths[i], fault);
	if (err)
		return err;
	*ret_set = TAKE(set);
	return TOBI_OK;
}

void collateral_print_name(FILE *stream, const struct collateral_item *item, bool wide)
{
	const char *kind = collateral_kind_name(item->kind);

	if (wide)
		fprintf(stream, "%-16s  %-12s", kind, item->name);
	else
		fprintf(stream, "%s%s%s", kind, item->name[0] ? " " : "", item->name);
}

void collateral_say(const char *what, const struct tobi_fault *fault)
{
	char text[512];

	tobi_fault_print(fault, text, sizeof(text));
	fprintf(stderr, "tobichi: %s: ", what);
	cli_print_text(stderr, (struct tobi_bytes){(const uint8_t *)text, strlen(text)});
	fputc('\n', stderr);
}

void collateral_say_missing(const char *what, const struct tobi_fault *fault,
			    bool *unreachable)
{
	collateral_say(what, fault);
	*unreachable |= fault->code == TOBI_E_SYSTEM || fault->code == TOBI_E_TIMEOUT;
}

void collateral_say_ways(bool unreachable)
{
	if (unreachable)
		fputs("tobichi: hint: name a cache of the service that this host reaches "
		      "(--pcs of a PCCS, --kds), or a proxy in the variable "
		      "https_proxy; or fetch on a host that has a way out, with -o "
		      "FOLDER, and bring that to `tobichi verify --collateral`\n",
		      stderr);
}

const char *collateral_state(const struct collateral_item *item, int64_t now)
{
	int64_t issued, next;

	collateral_dates(item, &issued, &next);
	if (!issued && !next)
		return "undated";
	if (now < issued)
		return "future";
	return next && now >= next ? "expired" : "valid";
}
