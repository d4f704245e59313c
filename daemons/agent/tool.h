/* `tobichi` for the programs of the enclave: a small program that this one carries, and
 * so is measured with it (claim 7 of the evidence). */
#ifndef AGENT_TOOL_H
#define AGENT_TOOL_H

#include "tobichi/bytes.h"
#include "tobichi/error.h"

/* What the build has put into this program (inside_tool.S). */
extern const unsigned char inside_tool[], inside_tool_end[];

/* Writes it, executable for all, as FOLDER/tobichi. */
TOBI_MUST_USE enum tobi_err tool_place(const char *folder, struct tobi_bytes program,
				       struct tobi_fault *fault);

#endif
