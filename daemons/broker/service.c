#include "daemons/broker/service.h"

#include "base/cleanup.h"
#include "broker/broker.h"
#include "broker/keyring.h"
#include "daemons/broker/log.h"

DEFINE_CLEANUP(struct db_conn *, db_give)

static enum tobi_err ask_database(struct broker *broker, struct tobi_fault *fault)
{
	CLEANUP(db_givep) struct db_conn *conn = NULL;
	enum tobi_err err = db_take(broker->db, &conn, fault);

	return err ? err
		   : db_run(conn, "SELECT name FROM about WHERE name = ''", NULL, 0, NULL,
			    NULL, NULL, fault);
}

/* What is wrong is for the log: who asks may be anybody. */
static enum tobi_err ready(struct broker *broker, const struct broker_request *request,
			   struct broker_reply *reply, struct tobi_fault *fault)
{
	struct tobi_fault inner = {0};
	enum tobi_err database = ask_database(broker, &inner), keys = TOBI_OK;

	(void)request, (void)fault;
	if (database)
		log_fault("not-ready", &inner);
	keys = keyring_check(broker->keyring, &inner);
	if (keys)
		log_fault("not-ready", &inner);
	reply->status = database || keys ? 503 : 200;
	reply->content_type = "application/json";
	wr_printf(&reply->body, "{\"database\":\"%s\",\"keys\":\"%s\"}\n",
		  database ? "away" : "ok", keys ? "away" : "ok");
	return TOBI_OK;
}

const struct broker_route service_routes[] = {
    {HTTP_GET, "/readyz", ROUTE_OPEN, 0, ready, "readyz"}, {.pattern = NULL}};
