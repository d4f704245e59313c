#include "cli/build_egress.h"

#include <string.h>

#include "base/secret.h"
#include "cli/cli.h"
#include "image/rules.h"

/* The rest is for the manifest's rules. */
bool build_egress(struct manifest *manifest, char *value)
{
	static const char key[] = "policy=";
	struct manifest_egress *entry = &manifest->egress[manifest->egress_count];
	char *comma = strchr(value, ','), *equals, *port;
	uint64_t number = 0;

	if (manifest->egress_count == LIMIT_PORTS ||
	    (comma && strncmp(comma + 1, key, sizeof(key) - 1) != 0))
		return false;
	if (comma)
		*comma = 0;
	equals = strchr(value, '=');
	if (equals)
		*equals = 0;
	port = equals ? equals : strrchr(value, ':');
	if (!port || !cli_read_number(port + 1, UINT16_MAX, &number) || !number ||
	    !rule_egress(bytes_of_text(value)))
		return false;
	*entry = (struct manifest_egress){bytes_of_text(value), (uint16_t)number,
					  comma ? bytes_of_text(comma + sizeof(key))
						: (struct tobi_bytes){0}};
	manifest->egress_count++;
	return rule_policy(entry->policy) && (!comma || entry->policy.size);
}

const char *build_egress_form(bool clients)
{
	return clients
		   ? ": it is a path in the image, from / on, launch or program"
		   : ": it is HOST:PORT[=LOCALPORT][,policy=/PATH|launch], at most 16 "
		     "times";
}
