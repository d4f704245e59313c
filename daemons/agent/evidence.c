#include "evidence.h"

#include <sys/queue.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "pki/key.h"
#include "token/claims_buffer.h"
#include "token/cmw.h"

#define OBJECT "evidence"

enum {
	MAX_WAITING = 320,
	/* Reports in a burst, and then each second. */
	BURST = 200,
	RATE = 200,
	TICK_MS = 1000 / RATE,
};

struct request {
	TAILQ_ENTRY(request) entry;
	struct writer claims;
	uint8_t hash[SHA256_SIZE];
	bool with_claims, sent;
	evidence_done_fn *done; /* NULL: forgotten */
	void *context;
};

struct evidence {
	struct evidence_setup setup;
	struct event *tick;
	unsigned credit; /* reports that may be sent at once */
	TAILQ_HEAD(, request) queue;
	size_t waiting;
};

static void send_more(struct evidence *evidence)
{
	struct timeval pause = {.tv_usec = TICK_MS * 1000L};
	struct request *request;

	TAILQ_FOREACH(request, &evidence->queue, entry)
	{
		if (request->sent)
			continue;
		if (!evidence->credit)
			break;
		request->sent = true;
		evidence->credit--;
		evidence->setup.report(evidence->setup.context, request->hash);
	}
	if (evidence->credit < BURST && !event_pending(evidence->tick, EV_TIMEOUT, NULL))
		event_add(evidence->tick, &pause);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	struct evidence *evidence = context;

	(void)fd;
	(void)what;
	if (evidence->credit < BURST)
		evidence->credit++;
	send_more(evidence);
}

enum tobi_err evidence_new(const struct evidence_setup *setup,
			   struct evidence **ret_evidence, struct tobi_fault *fault)
{
	struct evidence *evidence = calloc(1, sizeof(*evidence));

	if (!evidence)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	evidence->setup = *setup;
	evidence->credit = BURST;
	TAILQ_INIT(&evidence->queue);
	evidence->tick = evtimer_new(setup->base, on_tick, evidence);
	if (!evidence->tick) {
		evidence_free(evidence);
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	}
	*ret_evidence = evidence;
	return TOBI_OK;
}

static void request_free(struct evidence *evidence, struct request *request)
{
	TAILQ_REMOVE(&evidence->queue, request, entry);
	evidence->waiting--;
	wr_done(&request->claims);
	free(request);
}

void evidence_free(struct evidence *evidence)
{
	struct request *first;

	if (!evidence)
		return;
	while ((first = TAILQ_FIRST(&evidence->queue)) != NULL)
		request_free(evidence, first);
	if (evidence->tick)
		event_free(evidence->tick);
	free(evidence);
}

/* Takes over claims. */
static enum tobi_err ask(struct evidence *evidence, struct writer *claims,
			 bool with_claims, evidence_done_fn *done, void *context,
			 struct tobi_fault *fault)
{
	struct request *request;
	enum tobi_err err = wr_err(claims);

	if (err)
		return fault_set(fault, err, OBJECT, "claims-buffer",
				 "it cannot be written");
	if (evidence->waiting == MAX_WAITING)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "",
				 "%d requests for evidence wait already", MAX_WAITING);
	request = calloc(1, sizeof(*request));
	if (!request)
		return fault_set(fault, TOBI_E_MEMORY, OBJECT, "", "out of memory");
	err = hash_sha256(wr_view(claims), request->hash);
	if (err) {
		free(request);
		return fault_set(fault, err, OBJECT, "claims-buffer", "cannot hash it");
	}
	request->claims = *claims;
	*claims = wr_init(0);
	request->with_claims = with_claims;
	request->done = done;
	request->context = context;
	TAILQ_INSERT_TAIL(&evidence->queue, request, entry);
	evidence->waiting++;
	send_more(evidence);
	return TOBI_OK;
}

enum tobi_err evidence_for_session(struct evidence *evidence,
				   struct tobi_bytes claims_buffer,
				   evidence_done_fn *done, void *context,
				   struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER);
	struct claims_buffer parsed;
	enum tobi_err err = claims_buffer_parse(claims_buffer, &parsed, fault);

	if (err)
		return err;
	/* A last look: what is reported must be this key's and bound to a session. */
	if (!parsed.binding.size ||
	    !bytes_equal(parsed.pubkey_hash,
			 (struct tobi_bytes){evidence->setup.spki_sha256, SHA256_SIZE}))
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "claims-buffer",
				 "it is not for a session of this agent's key");
	wr_bytes(&claims, claims_buffer.ptr, claims_buffer.size);
	return ask(evidence, &claims, false, done, context, fault);
}

enum tobi_err evidence_for_nonce(struct evidence *evidence, struct tobi_bytes nonce,
				 evidence_done_fn *done, void *context,
				 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer claims = wr_init(LIMIT_CLAIMS_BUFFER);

	claims_buffer_write(&claims, nonce, evidence->setup.spki_sha256, TOBI_ROLE_SERVER,
			    (struct tobi_bytes){0});
	return ask(evidence, &claims, true, done, context, fault);
}

void evidence_forget(struct evidence *evidence, const void *context)
{
	struct request *request, *next;

	for (request = TAILQ_FIRST(&evidence->queue); request; request = next) {
		next = TAILQ_NEXT(request, entry);
		if (request->context != context)
			continue;
		/* One that was sent keeps its place: answers come in order. */
		if (request->sent)
			request->done = NULL;
		else
			request_free(evidence, request);
	}
}

static struct request *oldest_sent(struct evidence *evidence, struct tobi_fault *fault)
{
	struct request *first = TAILQ_FIRST(&evidence->queue);

	if (first && first->sent)
		return first;
	fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "token",
		  "the service answered a report that was not asked for");
	return NULL;
}

/* done() may ask again or forget: the request has left the queue by then. */
static void answer(struct evidence *evidence, struct request *request,
		   const struct writer *collection, const struct tobi_fault *why)
{
	evidence_done_fn *done = request->done;
	void *context = request->context;

	request_free(evidence, request);
	if (done)
		done(context, collection, why);
}

static void write_collection(struct evidence *evidence, const struct request *request,
			     struct tobi_bytes token, struct tobi_bytes guest,
			     struct writer *out)
{
	struct cmw_record records[4] = {{.key = bytes_of_text("cpu"),
					 .media_type = bytes_of_text(CMW_TYPE_EAT),
					 .value = token,
					 .indicator = CMW_EVIDENCE}};
	size_t count = 1;

	if (guest.size)
		records[count++] =
		    (struct cmw_record){.key = bytes_of_text("guest"),
					.media_type = bytes_of_text(CMW_TYPE_COLLECTION),
					.value = guest,
					.indicator = CMW_EVIDENCE};
	if (request->with_claims)
		records[count++] =
		    (struct cmw_record){.key = bytes_of_text("claims"),
					.media_type = bytes_of_text(CMW_TYPE_CLAIMS),
					.value = wr_view(&request->claims),
					.indicator = CMW_EVIDENCE};
	if (evidence->setup.endorse.size)
		records[count++] =
		    (struct cmw_record){.key = bytes_of_text("endorse"),
					.media_type = bytes_of_text(CMW_TYPE_CHAIN),
					.value = evidence->setup.endorse,
					.indicator = CMW_ENDORSEMENT};
	cmw_write(out, records, count);
}

enum tobi_err evidence_token(struct evidence *evidence, struct tobi_bytes token,
			     struct tobi_bytes guest, struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer collection = wr_init(LIMIT_EVIDENCE);
	struct request *request = oldest_sent(evidence, fault);
	struct tobi_fault why = {0};
	enum tobi_err err;

	if (!request)
		return TOBI_E_PROTOCOL;
	write_collection(evidence, request, token, guest, &collection);
	err = wr_err(&collection);
	if (err)
		fault_set(&why, err, OBJECT, "", "it cannot be written");
	answer(evidence, request, err ? NULL : &collection, err ? &why : NULL);
	return TOBI_OK;
}

enum tobi_err evidence_refused(struct evidence *evidence, const struct tobi_fault *why,
			       struct tobi_fault *fault)
{
	struct request *request = oldest_sent(evidence, fault);

	if (!request)
		return TOBI_E_PROTOCOL;
	answer(evidence, request, NULL, why);
	return TOBI_OK;
}
