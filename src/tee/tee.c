#include "tee/tee.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/secret.h"
#include "tee/cca.h"
#include "tee/ear.h"
#include "tee/eat.h"
#include "tee/azure.h"
#include "tee/epid.h"
#include "tee/nitro.h"
#include "tee/oe.h"
#include "tee/psa.h"
#include "tee/nvidia.h"
#include "tee/sgx.h"
#include "tee/snp.h"
#include "tee/sev.h"
#include "tee/soft.h"
#include "tee/tdx.h"
#include "tee/tpm.h"

enum { SHOWN_MAX = 128, REPORT_DATA_SIZE = 64, CONTENT_FORMAT_EAT_CWT = 263 };

/* In the order of recognising: a token is of any make when it is of no make that is
 * known. */
static const struct tee_verifier *const verifiers[] = {
    &tee_soft,	    &tee_sgx,	 &tee_tdx, &tee_snp, &tee_sev,	  &tee_nitro,
    &tee_nitro_tpm, &tee_epid,	 &tee_tpm, &tee_cca, &tee_psa,	  &tee_azure_snp,
    &tee_azure_tdx, &tee_nvidia, &tee_ear, &tee_eat, &tee_oe_sgx, &tee_oe_tdx,
};

const struct tee_verifier *tee_verifier_at(size_t index)
{
	return index < sizeof(verifiers) / sizeof(verifiers[0]) ? verifiers[index] : NULL;
}

const struct tee_verifier *tee_verifier_find(struct tobi_bytes media_type,
					     uint64_t content_format)
{
	const struct tee_verifier *verifier;

	for (size_t i = 0; (verifier = tee_verifier_at(i)); i++) {
		if (media_type.size
			? bytes_equal_text(media_type, verifier->media_type)
			: content_format && content_format == verifier->content_format)
			return verifier;
	}
	return NULL;
}

const struct tee_verifier *tee_verifier_of(struct tobi_bytes media_type,
					   uint64_t content_format,
					   struct tobi_bytes evidence)
{
	const struct tee_verifier *verifier = NULL;

	if (!media_type.size && content_format == CONTENT_FORMAT_EAT_CWT)
		verifier = tee_verifier_recognise(evidence);
	return verifier ? verifier : tee_verifier_find(media_type, content_format);
}

const struct tee_verifier *tee_verifier_named(const char *name)
{
	const struct tee_verifier *verifier;

	for (size_t i = 0; (verifier = tee_verifier_at(i)); i++) {
		if (strcmp(verifier->name, name) == 0)
			return verifier;
	}
	return NULL;
}

bool tee_takes_any(struct tobi_bytes piece)
{
	(void)piece;
	return true;
}

const struct tee_verifier *tee_verifier_recognise(struct tobi_bytes evidence)
{
	const struct tee_verifier *verifier;

	for (size_t i = 0; (verifier = tee_verifier_at(i)); i++) {
		if (verifier->recognise && verifier->recognise(evidence))
			return verifier;
	}
	return NULL;
}

void tee_fact(struct tee_claims *claims, struct arena *arena, const char *name,
	      const char *format, ...)
{
	char text[512];
	const char *copy;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	copy = arena_text(arena, bytes_of_text(text));
	if (copy && claims->fact_count < TEE_FACTS_MAX)
		claims->facts[claims->fact_count++] = (struct tee_fact){name, copy};
}

const char *tee_text(struct arena *arena, struct tobi_bytes text, size_t most)
{
	size_t size = text.size < most ? text.size : most;
	char *copy = arena_alloc(arena, size + 1);

	for (size_t i = 0; copy && i < size; i++) {
		uint8_t byte = text.ptr[i];

		copy[i] = byte == '\n' ? ' ' : '?';
		if (byte >= 0x20 && byte < 0x7f)
			copy[i] = (char)byte;
	}
	return copy ? copy : "";
}

void tee_warn(struct tee_claims *claims, const char *text)
{
	if (claims->warning_count < TEE_WARNINGS_MAX)
		claims->warnings[claims->warning_count++] = text;
}

void tee_fact_hex(struct tee_claims *claims, struct arena *arena, const char *name,
		  struct tobi_bytes bytes)
{
	char *text;

	if (bytes.size > SHOWN_MAX || claims->fact_count == TEE_FACTS_MAX)
		return;
	text = arena_alloc(arena, 2 * bytes.size + 1);
	if (!text)
		return;
	hex_write(bytes, text, 2 * bytes.size + 1);
	claims->facts[claims->fact_count++] =
	    (struct tee_fact){name, bytes.size ? text : "nothing"};
}

struct tee_measurement *tee_measurement_add(struct tee_claims *claims,
					    struct arena *arena)
{
	if (!claims->measurements)
		claims->measurements = arena_array(arena, TEE_MEASUREMENTS_MAX,
						   sizeof(*claims->measurements));
	if (!claims->measurements || claims->measurement_count == TEE_MEASUREMENTS_MAX)
		return NULL;
	return &claims->measurements[claims->measurement_count++];
}

void tee_check_report_data(const struct tee_request *request, struct checklist *list,
			   const struct check *check, struct tobi_bytes report_data)
{
	uint8_t expected[REPORT_DATA_SIZE] = {0};

	if (request->bound_elsewhere)
		check_waive(list, check, request->bound_elsewhere);
	else if (!request->claims_buffer.size)
		check_waive(list, check, "it came without claims");
	else if (!hash_sha256(request->claims_buffer, expected))
		check_record_equal(list, check,
				   (struct tobi_bytes){expected, sizeof(expected)},
				   report_data);
}
