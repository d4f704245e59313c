/* The small texts about counters and certificates: what is asked of a counter, an owner's
 * certificate profile, a name. */
#include <stdlib.h>
#include <string.h>

#include "broker/counter.h"
#include "broker/profile.h"
#include "fuzz/fuzz.h"

enum { COUNTER, PROFILE, NAME, KINDS };

static bool counter(struct tobi_bytes input)
{
	struct counter_request request;

	if (counter_request_read(input, &request, NULL))
		return false;
	must(request.to == COUNTER_TO_IMAGE || request.to == COUNTER_TO_SIGNER);
	must(request.signer.size <= sizeof(request.signer_bytes));
	must(!request.signer.size || (request.to == COUNTER_TO_SIGNER &&
				      request.signer.ptr == request.signer_bytes));
	return true;
}

static bool profile(struct tobi_bytes input)
{
	struct profile found;

	if (profile_read(input, &found, NULL))
		return false;
	must(found.name_count >= 1 && found.name_count <= PROFILE_NAMES_MAX);
	must(found.seconds >= PROFILE_SECONDS_MIN &&
	     found.seconds <= PROFILE_SECONDS_MAX);
	must(found.server || found.client);
	/* What it names it allows, but for a wildcard that may not be issued. */
	for (size_t i = 0; i < found.name_count; i++)
		must(profile_allows(&found, &found.names[i]) ||
		     (found.names[i].wildcard && !found.wildcards));
	return true;
}

static bool name(struct tobi_bytes input)
{
	struct certificate_name found, again;
	char *text = strndup(input.size ? (const char *)input.ptr : "", input.size);
	bool good;

	must(text != NULL);
	good = certificate_name_read(text, &found);
	if (good)
		must(certificate_name_read(found.text, &again) &&
		     strcmp(found.text, again.text) == 0);
	free(text);
	return good;
}

bool fuzz_one(struct tobi_bytes input)
{
	static bool (*const kinds[KINDS])(struct tobi_bytes) = {counter, profile, name};
	uint8_t choice = take_choice(&input);

	return kinds[choice % KINDS](input);
}

enum fuzz_seed fuzz_seed(unsigned number, struct writer *out)
{
	static const struct {
		uint8_t kind;
		const char *text;
	} seeds[] = {
	    {COUNTER, "{\"op\":\"read\"}"},
	    {COUNTER, "{\"op\":\"increment\",\"to\":\"signer\",\"signer\":"
		      "\"00112233445566778899aabbccddeeff\"}"},
	    {PROFILE, "{\"names\":[\"a.example\",\"*.in.example\",\"192.0.2.7\"],"
		      "\"wildcards\":true,\"lifetime\":600,\"usage\":[\"client\"]}"},
	    {NAME, "*.A-b.example"},
	    {NAME, "2001:db8::1"},
	};

	if (number >= sizeof(seeds) / sizeof(seeds[0]))
		return FUZZ_NO_SEED;
	wr_u8(out, seeds[number].kind);
	wr_printf(out, "%s", seeds[number].text);
	return FUZZ_GOOD;
}
