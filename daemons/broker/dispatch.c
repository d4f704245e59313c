#include "daemons/broker/dispatch.h"

#include <errno.h>
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "broker/store.h"
#include "daemons/broker/attested.h"

enum { PROBLEM_SIZE = 1024 };

static const char *find_header(const struct broker_request *request, const char *name)
{
	return http_head_find(request->context, name);
}

/* Quotes and what is not plain would break the JSON: they become spaces. */
static void put_plain(struct writer *out, const char *text)
{
	for (; *text; text++)
		wr_u8(out, *text < ' ' || *text > '~' || *text == '"' || *text == '\\'
			       ? ' '
			       : (uint8_t)*text);
}

void reply_problem(struct broker_reply *reply, int status, const char *detail)
{
	broker_reply_done(reply);
	*reply = (struct broker_reply){.status = status,
				       .content_type = "application/json",
				       .body = wr_init(PROBLEM_SIZE)};
	wr_printf(&reply->body, "{\"type\":\"about:blank\",\"status\":%d,\"detail\":\"",
		  status);
	put_plain(&reply->body, detail);
	wr_printf(&reply->body, "\"}\n");
}

enum tobi_err dispatch_init(struct dispatch *dispatch, struct tobi_fault *fault)
{
	pthread_rwlockattr_t kind;
	int failed;

	pthread_rwlockattr_init(&kind);
	/* A reload must come to its turn while requests never end. */
	pthread_rwlockattr_setkind_np(&kind,
				      PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	failed = pthread_rwlock_init(&dispatch->lock, &kind);
	pthread_rwlockattr_destroy(&kind);
	errno = failed;
	return failed ? fault_errno(fault, "broker", "", "no lock") : TOBI_OK;
}

void dispatch_done(struct dispatch *dispatch)
{
	pthread_rwlock_destroy(&dispatch->lock);
}

/* Somebody must be known (401), and for the operator's routes be the operator (403). */
static bool may_call(struct dispatch *dispatch, struct job *job,
		     const struct broker_request *request)
{
	struct tobi_fault fault = {0};
	enum tobi_err err;

	if (job->route->access == ROUTE_OPEN)
		return true;
	if (job->route->access == ROUTE_ATTESTED) {
		if (!request->presented)
			reply_problem(&job->reply, 403,
				      "this is told over attested TLS only");
		job->denied = !request->presented;
		return !job->denied;
	}
	err = dispatch->principal(dispatch->broker, request, &job->principal, &fault);
	if (err == TOBI_E_DENIED) {
		reply_problem(&job->reply, 401, fault.message);
		IGNORE(broker_reply_header(&job->reply, "WWW-Authenticate", "Bearer"));
	} else if (err) {
		job->err = err;
		job->fault = fault;
	} else if (job->route->access == ROUTE_ADMIN && !job->principal.operator) {
		reply_problem(&job->reply, 403, "only the operator may do this");
		err = TOBI_E_DENIED;
	}
	job->denied = err == TOBI_E_DENIED;
	return !err;
}

static void run_locked(struct dispatch *dispatch, struct job *job)
{
	struct broker_request request = {.method = job->head.method,
					 .path = job->head.path,
					 .query = job->head.query,
					 .body = {job->body, job->body_size},
					 .remote = job->remote,
					 .secure = job->secure,
					 .client_key =
					     job->has_client_key ? job->client_key : NULL,
					 .presented = attested_presented(job->attested),
					 .now = dispatch->now(),
					 .header = find_header,
					 .context = &job->head};

	if (!may_call(dispatch, job, &request))
		return;
	if (job->route->access == ROUTE_OWNER || job->route->access == ROUTE_ADMIN)
		request.principal = &job->principal;
	job->err =
	    job->route->handler(dispatch->broker, &request, &job->reply, &job->fault);
}

void dispatch_run(struct dispatch *dispatch, struct job *job)
{
	job->reply = (struct broker_reply){.body = wr_init(LIMIT_BROKER_REPLY)};
	pthread_rwlock_rdlock(&dispatch->lock);
	run_locked(dispatch, job);
	pthread_rwlock_unlock(&dispatch->lock);
	if (!job->err && wr_err(&job->reply.body))
		job->err = fault_set(&job->fault, wr_err(&job->reply.body), "reply",
				     job->route->name, "its body could not be made");
	if (job->err) {
		const bool away = store_failed(job->err, &job->fault);

		job->fault.code = job->err;
		reply_problem(&job->reply, away ? 503 : 500,
			      away ? "the broker's database does not do its part; its "
				     "log says why"
				   : "the broker failed; its log says why");
	} else if (!job->reply.status) {
		job->reply.status = 200;
	}
}

void dispatch_swap(struct dispatch *dispatch, const struct tobi_policy **policy,
		   const struct tobi_collateral **collateral)
{
	const struct tobi_policy *old_policy;
	const struct tobi_collateral *old_collateral;

	pthread_rwlock_wrlock(&dispatch->lock);
	old_policy = dispatch->broker->setup.entry;
	old_collateral = dispatch->broker->setup.collateral;
	dispatch->broker->setup.entry = *policy;
	dispatch->broker->setup.collateral = *collateral;
	pthread_rwlock_unlock(&dispatch->lock);
	*policy = old_policy;
	*collateral = old_collateral;
}
