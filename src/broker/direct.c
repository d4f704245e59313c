/*
 * What the client of an attested session is told at once, as its evidence came with the
 * session (docs/PROTOCOL.md section 18.2).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/http.h"
#include "broker/release.h"

#define SECRETS "/v1/secret/"

static enum tobi_err refuse(struct broker_reply *reply, int status, const char *error,
			    const char *message)
{
	reply->status = status;
	reply->content_type = "application/json";
	wr_printf(&reply->body, "{\"error\":\"%s\",\"message\":\"%s\"}", error, message);
	return wr_err(&reply->body);
}

/* "version=N", or nothing: the newest. */
static bool read_version(const char *query, uint64_t *ret_version)
{
	static const char name[] = "version=";
	const char *digits;
	size_t size;

	*ret_version = 0;
	if (!query || !*query)
		return true;
	if (strncmp(query, name, sizeof(name) - 1) != 0)
		return false;
	digits = query + sizeof(name) - 1;
	size = strspn(digits, "0123456789");
	if (!size || size > 18 || digits[size] || digits[0] == '0')
		return false;
	*ret_version = strtoull(digits, NULL, 10);
	return true;
}

/* Where in the log it stands is said of a denial, too: by it the owner finds which check
 * has failed, and who asks learns nothing of the secret. */
static enum tobi_err answer(const struct release *release, struct broker_reply *reply)
{
	const struct tobi_bytes secret = secret_view(&release->secret);
	enum tobi_err err =
	    broker_reply_header(reply, "Tobichi-Log-Index", "%" PRIu64, release->index);

	if (err)
		return err;
	if (release->outcome != RELEASE_GIVEN)
		return refuse(reply, 403, "denied", "access is denied");
	reply->secret = true;
	reply->content_type = "application/octet-stream";
	wr_bytes(&reply->body, secret.ptr, secret.size);
	err = wr_err(&reply->body);
	return err ? err
		   : broker_reply_header(reply, "Tobichi-Version", "%" PRIu64,
					 release->version);
}

static enum tobi_err handle_secret(struct broker *broker,
				   const struct broker_request *request,
				   struct broker_reply *reply, struct tobi_fault *fault)
{
	struct release release = {.outcome = RELEASE_DENIED};
	struct resource_name name;
	uint64_t version;
	enum tobi_err err;

	/* It is the server's to ask for it; nothing is judged without. */
	if (!request->presented)
		return fault_set(fault, TOBI_E_ARGUMENT, "request", "",
				 "nothing was presented");
	if (resource_name_read(request->path + strlen(SECRETS), &name, NULL))
		return refuse(reply, 400, "malformed", "a secret is repository/type/tag");
	if (!read_version(request->query, &version))
		return refuse(reply, 400, "malformed",
			      "the query is version=N, a whole number, or nothing");
	err = broker_release(broker, &name, version, request->presented, &release, fault);
	if (!err)
		err = answer(&release, reply);
	secret_done(&release.secret);
	return err;
}

const struct broker_route direct_routes[] = {
    {HTTP_GET, SECRETS "{}/{}/{}", ROUTE_ATTESTED, 0, handle_secret, "secret"},
    {0},
};
