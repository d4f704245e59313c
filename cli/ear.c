#include "cli/ear.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/secret.h"
#include "cli/cli.h"

enum { LIFETIME_MAX = 366 * 24 * 3600 };

static const struct {
	const char *name;
	enum tobi_ear_form form;
} forms[] = {{"jwt", TOBI_EAR_JWT},
	     {"cwt", TOBI_EAR_CWT},
	     {"cmw-json", TOBI_EAR_CMW_JSON},
	     {"cmw", TOBI_EAR_CMW_CBOR}};

static const struct {
	const char *name;
	enum tobi_ear_profile profile;
} profiles[] = {{"new", TOBI_EAR_NEW}, {"veraison", TOBI_EAR_VERAISON}};

static bool find_form(const char *name, enum tobi_ear_form *ret_form)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(forms[i].name, name) == 0) {
			*ret_form = forms[i].form;
			return true;
		}
	}
	return false;
}

static bool find_profile(const char *name, enum tobi_ear_profile *ret_profile)
{
	for (size_t i = 0; i < sizeof(profiles) / sizeof(profiles[0]); i++) {
		if (strcmp(profiles[i].name, name) == 0) {
			*ret_profile = profiles[i].profile;
			return true;
		}
	}
	return false;
}

const char *ear_options_wrong(const struct ear_options *options)
{
	enum tobi_ear_profile profile;
	enum tobi_ear_form form;
	uint64_t lifetime;

	if (!options->out)
		return options->key || options->certificate || options->form ||
			       options->profile || options->verifier || options->lifetime
			   ? "--ear-... needs --ear FILE"
			   : NULL;
	if (!options->key)
		return "--ear needs --ear-key FILE: what signs it (tobichi keygen)";
	if (options->form && !find_form(options->form, &form))
		return "--ear-format is jwt, cwt, cmw or cmw-json";
	if (options->profile && !find_profile(options->profile, &profile))
		return "--ear-profile is new or veraison";
	if (options->lifetime &&
	    (!cli_read_number(options->lifetime, LIFETIME_MAX, &lifetime) || !lifetime))
		return "--ear-lifetime needs seconds, 1 to 31622400";
	return NULL;
}

enum tobi_err ear_write(const struct ear_options *options,
			const struct tobi_result *result, struct tobi_fault *fault)
{
	CLEANUP(secret_done) struct secret key = {0};
	CLEANUP(wr_done) struct writer certificates = wr_init(LIMIT_PEM);
	CLEANUP(freep) uint8_t *token = NULL;
	struct tobi_ear_request request = {.developer = options->verifier};
	uint64_t lifetime = 0;
	size_t size = 0;
	enum tobi_err err;

	if (!options->out)
		return TOBI_OK;
	if (options->form && !find_form(options->form, &request.form))
		return TOBI_E_ARGUMENT;
	if (options->profile && !find_profile(options->profile, &request.profile))
		return TOBI_E_ARGUMENT;
	if (options->lifetime &&
	    !cli_read_number(options->lifetime, LIFETIME_MAX, &lifetime))
		return TOBI_E_ARGUMENT;
	request.lifetime = (int64_t)lifetime;
	err = file_read_secret(options->key, LIMIT_PEM, "--ear-key", &key, fault);
	if (!err && options->certificate)
		err = file_read(options->certificate, LIMIT_PEM, "--ear-certificate",
				&certificates, fault);
	if (err)
		return err;
	request.key = secret_view(&key);
	request.certificates = wr_view(&certificates);
	err = tobi_result_sign_ear(result, &request, &token, &size, fault);
	return err ? err
		   : file_write(options->out, 0644, (struct tobi_bytes){token, size},
				"--ear", fault);
}
