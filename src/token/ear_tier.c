/* Values of the trustworthiness vector (draft-ietf-rats-ar4si, section 2.3). */
#include <string.h>

#include "token/ear.h"

static const struct {
	enum ear_tier tier;
	const char *name;
} tiers[] = {{EAR_NONE, "none"},
	     {EAR_AFFIRMING, "affirming"},
	     {EAR_WARNING, "warning"},
	     {EAR_CONTRAINDICATED, "contraindicated"}};

/* Values below zero are a verifier's own words, with tiers of the same widths. */
enum ear_tier ear_tier_of(int value)
{
	int size = value < 0 ? -1 - value : value;

	if (size < 2)
		/* 1 is "unexpected evidence", -1 "verifier malfunction": no claim. */
		return value == -2 ? EAR_AFFIRMING : EAR_NONE;
	if (size < EAR_WARNING)
		return EAR_AFFIRMING;
	return size < EAR_CONTRAINDICATED ? EAR_WARNING : EAR_CONTRAINDICATED;
}

const char *ear_tier_name(enum ear_tier tier)
{
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		if (tiers[i].tier == tier)
			return tiers[i].name;
	}
	return "none";
}

bool ear_tier_read(const char *name, enum ear_tier *ret_tier)
{
	for (size_t i = 0; i < sizeof(tiers) / sizeof(tiers[0]); i++) {
		if (strcmp(tiers[i].name, name) == 0) {
			*ret_tier = tiers[i].tier;
			return true;
		}
	}
	return false;
}

enum ear_tier ear_vector_worst(const struct ear_vector *vector)
{
	enum ear_tier worst = EAR_NONE;

	for (size_t i = 0; i < AR4SI_CLAIMS; i++) {
		enum ear_tier tier =
		    vector->has[i] ? ear_tier_of(vector->values[i]) : EAR_NONE;

		if (tier > worst)
			worst = tier;
	}
	return worst;
}

enum { EVERY = -1 };

static const struct {
	int claim, value;
	const char *means;
} meanings[] = {
    {EVERY, -1, "the verifier did not work"},
    {EVERY, 0, "nothing is claimed"},
    {EVERY, 1, "the evidence had more than the verifier knows"},
    {EVERY, 99, "cryptographic validation failed"},
    {AR4SI_INSTANCE, 2, "recognised"},
    {AR4SI_INSTANCE, 96, "recognised, and not trusted"},
    {AR4SI_INSTANCE, 97, "not recognised"},
    {AR4SI_CONFIGURATION, 2, "approved"},
    {AR4SI_CONFIGURATION, 3, "no unsafe options seen"},
    {AR4SI_CONFIGURATION, 32, "unsafe, threat unknown"},
    {AR4SI_CONFIGURATION, 96, "cannot be supported"},
    {AR4SI_EXECUTABLES, 2, "approved at boot and at run time"},
    {AR4SI_EXECUTABLES, 3, "approved at boot only"},
    {AR4SI_EXECUTABLES, 32, "recognised as unsafe"},
    {AR4SI_EXECUTABLES, 33, "not recognised"},
    {AR4SI_EXECUTABLES, 96, "contraindicated"},
    {AR4SI_FILES, 2, "approved"},
    {AR4SI_FILES, 32, "not recognised"},
    {AR4SI_FILES, 96, "contraindicated"},
    {AR4SI_HARDWARE, 2, "genuine"},
    {AR4SI_HARDWARE, 32, "genuine, with known weaknesses"},
    {AR4SI_HARDWARE, 96, "contraindicated"},
    {AR4SI_HARDWARE, 97, "not recognised"},
    {AR4SI_RUNTIME, 2, "encrypted, and closed to all others"},
    {AR4SI_RUNTIME, 32, "isolated only"},
    {AR4SI_RUNTIME, 96, "visible to others"},
    {AR4SI_STORAGE, 2, "keys held by hardware"},
    {AR4SI_STORAGE, 32, "keys held by software"},
    {AR4SI_STORAGE, 96, "not encrypted"},
    {AR4SI_SOURCES, 2, "from trusted sources"},
    {AR4SI_SOURCES, 32, "not verified"},
    {AR4SI_SOURCES, 96, "contraindicated"},
};

const char *ear_value_meaning(enum ar4si_claim claim, int value)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		if (meanings[i].value == value &&
		    (meanings[i].claim == EVERY || meanings[i].claim == (int)claim))
			return meanings[i].means;
	}
	return "a word of its own";
}
