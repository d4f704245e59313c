/* The parts of `tobichi corim`. */
#ifndef CLI_CORIM_H
#define CLI_CORIM_H

#include "cli/cli.h"
#include "corim/signed.h"

#define CORIM_COMMAND "corim"

/* Signed or not. corim_document_free() it. */
TOBI_MUST_USE enum tobi_err corim_load(const char *path,
				       struct corim_document **ret_document,
				       struct tobi_fault *fault);
/* What it says, as one object; NULL when memory runs out. */
json_t *corim_to_json(const struct corim_document *document);
int corim_show(int argc, char **argv);

#endif
