/* Packets on the agent channel, and frames of the secrets protocol. */
#include <stdlib.h>

#include "daemons/agent/message.h"
#include "daemons/agent/secrets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tobi_bytes bytes = {data, size};
	struct secrets_message put;
	struct message message;

	if (!message_parse(bytes, &message, NULL) && message.kind == MESSAGE_CONFIG &&
	    message.config.port_count > LIMIT_PORTS)
		abort();
	if (!secrets_message_parse(bytes, &put, NULL) && put.name_is_valid &&
	    put.name.size > LIMIT_NAME)
		abort();
	return 0;
}
