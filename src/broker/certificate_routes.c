/* POST /v1/certificate/...: who has attested has a certificate signed. */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "broker/attested_reply.h"
#include "broker/authority.h"
#include "broker/judge.h"

#define CERTIFICATES "/v1/certificate/"

enum { REPLY_MAX = 256 << 10 };

struct asked {
	struct csr csr;
	struct authority authority;
	struct issued issued;
	struct tobi_fault why; /* what kept it from being made, that is not a denial */
	enum tobi_err failed;
};

static void asked_done(struct asked *asked)
{
	csr_done(&asked->csr);
	authority_done(&asked->authority);
	issued_done(&asked->issued);
}

static bool check_names(struct judging *judging, const struct profile *profile,
			const struct csr *csr)
{
	char text[JUDGE_REASON_MAX];

	for (size_t i = 0; i < csr->name_count; i++) {
		if (profile_allows(profile, &csr->names[i]))
			continue;
		snprintf(text, sizeof(text),
			 "no certificate for %s: the profile has not "
			 "that name",
			 csr->names[i].text);
		judging_refuse(judging, text);
		return false;
	}
	return true;
}

/* What is issued is told apart by the log alone. */
static void describe(struct judging *judging, const struct asked *asked)
{
	char hash[2 * SHA256_SIZE + 1];

	hex_write((struct tobi_bytes){asked->issued.sha256, SHA256_SIZE}, hash,
		  sizeof(hash));
	snprintf(judging->reason, sizeof(judging->reason),
		 "accepted: serial %s, SHA-256 %s, until %lld, for %s%s",
		 asked->issued.serial, hash, (long long)asked->issued.not_after,
		 asked->csr.names[0].text,
		 asked->csr.name_count > 1 ? " and others" : "");
}

static enum tobi_err issue(struct judging *judging, const struct profile *profile,
			   struct asked *asked, struct tobi_fault *fault)
{
	enum tobi_err err = authority_get(judging->broker, judging->owner, judging->now,
					  &asked->authority, fault);

	if (!err)
		err = authority_issue(judging->broker, &asked->authority, &asked->csr,
				      profile, judging->result, judging->now,
				      &asked->issued, &asked->why);
	/* The owner's to mend: the enclave is told, too. */
	if (err == TOBI_E_CERTIFICATE) {
		asked->failed = err;
		judging_refuse(judging, asked->why.message);
		return TOBI_OK;
	}
	if (err && asked->why.code)
		return fault_set(fault, err, asked->why.object, asked->why.field, "%s",
				 asked->why.message);
	if (!err)
		describe(judging, asked);
	return err;
}

/* It is made before it is written down, as its hash is written, and given out after. */
static enum tobi_err consider(struct judging *judging, void *context,
			      struct tobi_fault *fault)
{
	struct asked *asked = context;
	struct profile profile;
	struct tobi_fault why = {0};
	enum tobi_err err =
	    profile_find(judging->broker, judging->name, judging->owner, &profile, &why);

	if (err == TOBI_E_NOT_FOUND) {
		judging_refuse(judging, "no certificate profile allows it");
		return TOBI_OK;
	}
	if (err)
		return fault_set(fault, err, why.object, why.field, "%s", why.message);
	return check_names(judging, &profile, &asked->csr)
		   ? issue(judging, &profile, asked, fault)
		   : TOBI_OK;
}

/* PEM: the certificate, and those between it and a root, which whoever verifies has. */
static enum tobi_err answer(const struct asked *asked, struct broker_reply *reply,
			    struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer storage = wr_init(REPLY_MAX);
	struct tobi_bytes list[AUTHORITY_CHAIN_MAX];
	size_t count = 0;
	enum tobi_err err;

	reply->content_type = "application/pem-certificate-chain";
	if (!reply->body.ceiling)
		reply->body = wr_init(REPLY_MAX);
	err = chain_write_pem(wr_view(&asked->issued.der), &reply->body, fault);
	if (!err)
		err = chain_read_pem(wr_view(&asked->authority.chain), "CA", &storage,
				     list, AUTHORITY_CHAIN_MAX, &count, fault);
	for (size_t i = 0; i < count && !err; i++) {
		CLEANUP(X509_freep) X509 *one = NULL;

		err = chain_read_certificate(list[i], "CA", &one, fault);
		if (!err && X509_self_signed(one, 0) != 1)
			err = chain_write_pem(list[i], &reply->body, fault);
	}
	return err;
}

static enum tobi_err judge(struct judging *judging, struct asked *asked,
			   struct broker_reply *reply, struct tobi_fault *fault)
{
	enum tobi_err err = broker_judge(judging, consider, asked, fault);

	if (!err && judging->accepted)
		err = answer(asked, reply, fault);
	else if (!err && asked->failed)
		err = attested_refuse(reply, asked->failed, &asked->why, fault);
	else if (!err)
		err = attested_deny(reply, fault);
	return err;
}

static enum tobi_err handle(struct broker *broker, const struct broker_request *request,
			    struct broker_reply *reply, struct tobi_fault *fault)
{
	CLEANUP(asked_done) struct asked asked = {0};
	struct resource_name name;
	struct judging judging = {.broker = broker,
				  .name = &name,
				  .presented = request->presented,
				  .kind = DECISION_CERTIFICATE,
				  .action = "issue",
				  .now = request->now};
	struct tobi_fault why = {0};
	enum tobi_err err = attested_name(request, CERTIFICATES, &name, &why);

	if (!err)
		err = csr_read(request->body, &asked.csr, &why);
	if (err)
		return attested_refuse(reply, err, &why, fault);
	err = judge(&judging, &asked, reply, fault);
	judging_done(&judging);
	return err;
}

const struct broker_route certificate_routes[] = {
    {HTTP_POST, CERTIFICATES "{}/{}/{}", ROUTE_ATTESTED, CSR_MAX, handle, "certificate"},
    {0, NULL, ROUTE_OPEN, 0, NULL, NULL},
};
