#include "base/cleanup.h"
#include "base/fault.h"
#include "base/file.h"
#include "cli/attest_platform.h"
#include "token/cmw.h"

enum tobi_err attest_write(const struct attest_options *options,
			   struct tobi_bytes collection, const char *path,
			   struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer json = wr_init(2 * LIMIT_CMW);
	struct cmw cmw;
	enum tobi_err err;

	if (!options->json)
		return file_write(path, 0644, collection, "evidence", fault);
	err = cmw_parse(collection, "evidence", &cmw, fault);
	if (err)
		return err;
	cmw_write_json(&json, cmw.records, cmw.count);
	wr_u8(&json, '\n');
	if (wr_err(&json))
		return fault_set(fault, wr_err(&json), "evidence", "",
				 "it has no room in JSON");
	return file_write(path, 0644, wr_view(&json), "evidence", fault);
}
