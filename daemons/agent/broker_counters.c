#include "broker_counters.h"

#include <stdio.h>

#include "base/fault.h"
#include "base/hex.h"
#include "codec/json.h"
#include "image/rules.h"

#define OBJECT "counter"

enum { BODY_MAX = 1024, REPLY_MAX = 4096 };

static enum tobi_err judge(const struct counting *counting, int status,
			   struct tobi_fault *fault)
{
	const char *name = counting->path + sizeof("/v1/counter/") - 1;

	if (status == 200)
		return TOBI_OK;
	if (status == 403)
		return fault_set(fault, TOBI_E_DENIED, OBJECT, "",
				 "the broker does not give %.200s to this enclave: its "
				 "log says why (`tobichi log follow --entries`)",
				 name);
	if (status == 409)
		return fault_set(fault, TOBI_E_LIMIT, OBJECT, "",
				 "at the broker %.200s is at its end, or its owner has "
				 "too many",
				 name);
	if (status == 408 || status == 429 || status >= 500)
		return fault_set(fault, TOBI_E_SYSTEM, OBJECT, "",
				 "the broker cannot answer now (status %d)", status);
	return fault_set(fault, TOBI_E_PROTOCOL, OBJECT, "",
			 "the broker has answered with status %d for %.200s", status,
			 name);
}

static enum tobi_err read_value(struct tobi_bytes body, uint64_t *ret_value,
				struct tobi_fault *fault)
{
	json_t *json = NULL, *value = NULL;
	enum tobi_err err = json_parse(body, REPLY_MAX, OBJECT, &json, fault);

	if (!err)
		err = json_member(json, "value", JSON_INTEGER, OBJECT, &value, fault);
	if (!err && json_integer_value(value) < 0)
		err =
		    fault_set(fault, TOBI_E_MALFORMED, OBJECT, "value", "it is below 0");
	if (!err)
		*ret_value = (uint64_t)json_integer_value(value);
	json_decref(json);
	return err;
}

static void on_answer(void *context, int status, struct tobi_bytes body,
		      const struct tobi_fault *why)
{
	struct counting *counting = context;
	const struct broker_counters *counters;
	/* Not on this host. */
	struct tobi_counter counter = {.anchored = true};
	struct tobi_fault fault = {0};
	enum tobi_err err = TOBI_OK;

	if (!why)
		err = judge(counting, status, &fault);
	if (!why && !err)
		err = read_value(body, &counter.value, &fault);
	counters = counting->counters;
	counting->counters = NULL;
	desk_counted(counters->desk, counting->number, &counter,
		     why   ? why
		     : err ? &fault
			   : NULL);
}

static enum tobi_err write_body(const struct counter_wanted *wanted, struct writer *out,
				struct tobi_fault *fault)
{
	char signer[2 * SHA384_SIZE + 1] = "";

	hex_write(wanted->signer, signer, sizeof(signer));
	wr_printf(out, "{\"op\":\"%s\",\"to\":\"%s\"",
		  wanted->increment ? "increment" : "read",
		  wanted->to == TOBI_SEAL_TO_SIGNER ? "signer" : "image");
	if (wanted->signer.size)
		wr_printf(out, ",\"signer\":\"%s\"", signer);
	wr_printf(out, "}");
	return wr_err(out) ? fault_set(fault, wr_err(out), OBJECT, "", "out of memory")
			   : TOBI_OK;
}

static enum tobi_err ask(struct counting *counting, const struct counter_wanted *wanted,
			 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer body = wr_init(BODY_MAX);
	const struct broker_counters *counters = counting->counters;
	struct broker_call call = {.method = "POST",
				   .path = counting->path,
				   .reply_limit = REPLY_MAX,
				   .done = on_answer,
				   .context = counting};
	enum tobi_err err = write_body(wanted, &body, fault);

	/* A dot at its start is good on a platform, and no name at a broker. */
	if (!err && wanted->name.size && wanted->name.ptr[0] == '.')
		err = fault_set(fault, TOBI_E_ARGUMENT, OBJECT, "name",
				"at a broker it does not begin with a dot");
	if (err)
		return err;
	snprintf(counting->path, sizeof(counting->path), "/v1/counter/%.*s/%.*s",
		 (int)counters->place.size, (const char *)counters->place.ptr,
		 (int)wanted->name.size, (const char *)wanted->name.ptr);
	call.body = wr_view(&body);
	return broker_client_call(counters->client, &call, fault);
}

static struct counting *find_free(struct broker_counters *counters)
{
	for (size_t i = 0; i < BROKER_CALLS; i++) {
		if (!counters->open[i].counters)
			return &counters->open[i];
	}
	return NULL;
}

static void count(void *context, uint64_t number, const struct counter_wanted *wanted)
{
	struct broker_counters *counters = context;
	struct counting *counting = find_free(counters);
	struct tobi_fault fault = {0};
	enum tobi_err err;

	if (counting) {
		counting->counters = counters;
		counting->number = number;
		err = ask(counting, wanted, &fault);
	} else {
		err = fault_set(&fault, TOBI_E_LIMIT, OBJECT, "",
				"the broker is asked %d times already: try again",
				BROKER_CALLS);
	}
	if (!err)
		return;
	if (counting)
		counting->counters = NULL;
	desk_counted(counters->desk, number, NULL, &fault);
}

void broker_counters_join(struct broker_counters *counters,
			  const struct launch_config *launch, struct desk_setup *setup)
{
	counters->place = launch->broker_counters;
	if (!counters->place.size)
		return;
	setup->count = count;
	setup->count_context = counters;
}
