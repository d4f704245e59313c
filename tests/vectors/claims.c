#include "tests/vectors/claims.h"

#include <strings.h>

#include "appraise/appraise.h"
#include "base/hex.h"
#include "tests/check.h"

/* Members of expected.json whose values, texts or lists of them, are among what the
 * evidence says. */
static const char *const shown[] = {
    /* SGX and TDX */
    "mrenclave", "mrsigner", "mrseam", "mrtd", "rtmr", "pck.fmspc", "pck.pceid",
    "collateral.tcb.status", "collateral.tcb.adv",
    /* SEV-SNP */
    "measurement", "host_data", "family_id", "image_id",
    /* Nitro */
    "module_id", "nonce",
    /* EPID */
    "status", "advisories",
    /* Arm CCA, by the labels of its claims */
    "platform.256", "platform.265", "platform.2396", "realm.10", "realm.256", "realm.265",
    "realm.44235", "realm.44238", "realm.44239"};

/* Longer ones are not shown to people. */
enum { SHOWN_MAX = 2 * 128 };

static bool says(const struct tee_claims *claims, const char *text)
{
	for (size_t i = 0; i < claims->fact_count; i++) {
		if (strcasestr(claims->facts[i].value, text))
			return true;
	}
	return false;
}

/* What is all zero need not be said. */
static size_t missing(const struct stage *stage, const struct tee_claims *claims,
		      const char *path, const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) > SHOWN_MAX || strspn(text, "0") == strlen(text) ||
	    says(claims, text))
		return 0;
	print_message("%s: it does not say %s, %s\n", stage->row->path, path, text);
	return 1;
}

static size_t compare_shown(const struct stage *stage, const struct tee_claims *claims)
{
	size_t wrong = 0, index;
	const json_t *member;

	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		const json_t *value = stage_expected(stage, shown[i]);

		wrong += missing(stage, claims, shown[i], value);
		json_array_foreach(value, index, member) wrong +=
		    missing(stage, claims, shown[i], member);
	}
	return wrong;
}

static size_t compare_pcrs(const struct stage *stage, const struct tee_claims *claims)
{
	const json_t *pcrs = stage_expected(stage, "pcrs"), *value;
	size_t wrong = 0;
	const char *name;

	if (!pcrs)
		pcrs = stage_expected(stage, "pcrs_sha384");
	json_object_foreach((json_t *)(uintptr_t)pcrs, name, value)
	{
		wrong += missing(stage, claims, name, value);
	}
	return wrong;
}

static size_t compare_number(const struct stage *stage, const char *path, uint64_t found)
{
	const json_t *value = stage_expected(stage, path);

	if (!json_is_integer(value) || (uint64_t)json_integer_value(value) == found)
		return 0;
	print_message("%s: %s is %llu, and found was %llu\n", stage->row->path, path,
		      (unsigned long long)json_integer_value(value),
		      (unsigned long long)found);
	return 1;
}

static size_t compare_bytes(const struct stage *stage, const char *path,
			    struct tobi_bytes found)
{
	const char *text = json_string_value(stage_expected(stage, path));
	char hex[2 * 64 + 1];

	if (!text || found.size > 64)
		return 0;
	hex_write(found, hex, sizeof(hex));
	/* A chip's id may be shorter than its field. */
	if (strncasecmp(text, hex, 2 * found.size) == 0 &&
	    strspn(text + 2 * found.size, "0") == strlen(text + 2 * found.size))
		return 0;
	print_message("%s: %s is %s, and found was %s\n", stage->row->path, path, text,
		      hex);
	return 1;
}

static size_t compare_numbers(const struct stage *stage, const struct tee_claims *claims)
{
	static const char *const debugs[] = {"debug", "debug_allowed"};
	size_t wrong = compare_number(stage, "prodid", claims->product) +
		       compare_number(stage, "isvsvn", claims->svn) +
		       compare_number(stage, "svn", claims->svn) +
		       compare_bytes(stage, "report_data", claims->report_data) +
		       compare_bytes(stage, "chip_id", claims->hardware) +
		       compare_bytes(stage, "rd", claims->report_data);
	const json_t *ms = stage_expected(stage, "timestamp_ms");

	for (size_t i = 0; i < 2; i++) {
		const json_t *debug = stage_expected(stage, debugs[i]);

		if (debug && json_is_true(debug) != claims->debug) {
			print_message("%s: debug is not as it should be\n",
				      stage->row->path);
			wrong++;
		}
	}
	if (ms && json_integer_value(ms) / 1000 != claims->issued) {
		print_message("%s: the time of its making is not as it should be\n",
			      stage->row->path);
		wrong++;
	}
	return wrong;
}

size_t claims_compare(const struct stage *stage, const struct tobi_result *result)
{
	const struct tee_claims *claims = &result->claims;

	return stage->expected
		   ? compare_shown(stage, claims) + compare_pcrs(stage, claims) +
			 compare_numbers(stage, claims)
		   : 0;
}
