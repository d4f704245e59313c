/* A collection that is accepted must be written back, records in order, as something
 * that is accepted again with the same records. */
#include <stdlib.h>

#include "token/cmw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct writer out = wr_init(2 * LIMIT_CMW);
	struct cmw cmw, again;

	if (!cmw_parse((struct tobi_bytes){data, size}, "evidence", &cmw, NULL)) {
		cmw_write(&out, cmw.records, cmw.count);
		if (wr_err(&out) || wr_view(&out).size != size)
			abort();
		if (cmw_parse(wr_view(&out), "evidence", &again, NULL) ||
		    again.count != cmw.count)
			abort();
	}
	wr_done(&out);
	return 0;
}
