#include "base/fault.h"
#include "base/limits.h"
#include "cli/cli.h"

int cli_put_json(const char *path, json_t *json)
{
	CLEANUP(wr_done) struct writer out = wr_init(LIMIT_JSON);
	struct tobi_fault fault = {0};
	enum tobi_err err;

	err = json ? json_write(json, true, &out, &fault)
		   : fault_set(&fault, TOBI_E_MEMORY, "output", "", "out of memory");
	json_decref(json);
	return err ? cli_fail(&fault) : cli_put(path, wr_view(&out));
}
