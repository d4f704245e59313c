/* POST /v1/counter/...: who has attested reads its counter, or moves it. */
#include "base/cleanup.h"
#include "base/fault.h"
#include "broker/attested_reply.h"
#include "broker/counter.h"
#include "broker/judge.h"

#define COUNTERS "/v1/counter/"

struct asked {
	struct counter_request request;
	struct counter_key key;
};

/* Its identity must be known before it is written down that it may. */
static enum tobi_err consider(struct judging *judging, void *context,
			      struct tobi_fault *fault)
{
	struct asked *asked = context;
	struct tobi_fault why = {0};
	uint64_t value;
	enum tobi_err err = counter_identity_of(&judging->result->claims, &asked->request,
						&asked->key.identity, &why);

	if (!err)
		err = counter_read(judging->broker, &asked->key, &value, &why);
	if (err == TOBI_E_DENIED) {
		judging_refuse(judging, why.message);
		return TOBI_OK;
	}
	if (err)
		return fault_set(fault, err, why.object, why.field, "%s", why.message);
	return TOBI_OK;
}

/* Another one may have been faster to move it first. */
static enum tobi_err act(struct judging *judging, const struct asked *asked,
			 struct broker_reply *reply, struct tobi_fault *fault)
{
	struct tobi_fault why = {0};
	uint64_t value = 0;
	enum tobi_err err =
	    asked->request.increment
		? counter_increment(judging->broker, &asked->key, judging->now, &value,
				    &why)
		: counter_read(judging->broker, &asked->key, &value, &why);

	if (!err)
		return attested_answer(
		    reply, 200, json_pack("{s:I}", "value", (json_int_t)value), fault);
	if (err == TOBI_E_DENIED || err == TOBI_E_LIMIT) {
		enum tobi_err second = judging_take_back(judging, why.message, fault);

		if (second)
			return second;
	}
	return err == TOBI_E_DENIED ? attested_deny(reply, fault)
				    : attested_refuse(reply, err, &why, fault);
}

static enum tobi_err handle(struct broker *broker, const struct broker_request *request,
			    struct broker_reply *reply, struct tobi_fault *fault)
{
	struct resource_name name;
	struct asked asked;
	struct judging judging = {.broker = broker,
				  .name = &name,
				  .presented = request->presented,
				  .kind = DECISION_COUNTER,
				  .now = request->now};
	struct tobi_fault why = {0};
	enum tobi_err err = attested_name(request, COUNTERS, &name, &why);

	if (!err)
		err = counter_request_read(request->body, &asked.request, &why);
	if (err)
		return attested_refuse(reply, err, &why, fault);
	asked.key = (struct counter_key){.name = &name, .owner = judging.owner};
	judging.action = asked.request.increment ? "increment" : "read";
	err = broker_judge(&judging, consider, &asked, fault);
	if (!err)
		err = judging.accepted ? act(&judging, &asked, reply, fault)
				       : attested_deny(reply, fault);
	judging_done(&judging);
	return err;
}

const struct broker_route counter_routes[] = {
    {HTTP_POST, COUNTERS "{}/{}/{}", ROUTE_ATTESTED, LIMIT_BROKER_COUNTER, handle,
     "counter"},
    {0, NULL, ROUTE_OPEN, 0, NULL, NULL},
};
