#include "daemons/broker/reload.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fault.h"

static void *load(void *context)
{
	struct reload *reload = context;
	const struct tobi_policy *entry;
	const struct tobi_collateral *collateral;
	const uint64_t one = 1;

	reload->err = load_files(reload->server->config, &reload->loaded, &reload->fault);
	if (!reload->err) {
		entry = reload->loaded.entry;
		collateral = reload->loaded.collateral;
		dispatch_swap(reload->server->dispatch, &entry, &collateral);
		/* The broker borrows what is the reload's: here both change hands. */
		reload->loaded.entry = (struct tobi_policy *)entry;
		reload->loaded.collateral = (struct tobi_collateral *)collateral;
	}
	IGNORE(write(reload->wake, &one, sizeof(one)) < 0);
	return NULL;
}

static void start_thread(struct reload *reload)
{
	sigset_t all, before;

	reload->again = false;
	reload->fault = (struct tobi_fault){0};
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	reload->running = !pthread_create(&reload->thread, NULL, load, reload);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!reload->running) {
		log_event("error", "reload-failed", "reason", "no thread");
		reload->done(reload->context);
	}
}

static void finish(struct reload *reload)
{
	struct server *server = reload->server;
	SSL_CTX *old = server->tls;
	struct attesting_self *old_self = server->self;

	pthread_join(reload->thread, NULL);
	reload->running = false;
	if (reload->err) {
		reload->fault.code = reload->err;
		log_fault("reload-failed", &reload->fault);
		server->count->bad_reloads++;
	} else {
		server->tls = reload->loaded.tls;
		reload->loaded.tls = old;
		server->self = reload->loaded.self;
		reload->loaded.self = old_self;
		loaded_done(&reload->loaded);
		log_event("info", "reloaded", NULL, NULL);
		attesting_self_tell(server->self);
		server->count->reloads++;
	}
}

static void on_woken(evutil_socket_t fd, short what, void *context)
{
	struct reload *reload = context;
	uint64_t count;

	(void)what;
	IGNORE(read((int)fd, &count, sizeof(count)) < 0);
	if (!reload->running)
		return;
	finish(reload);
	reload->done(reload->context);
	if (reload->again)
		start_thread(reload);
}

enum tobi_err reload_init(struct reload *reload, struct tobi_fault *fault)
{
	reload->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reload->wake >= 0)
		reload->woken = event_new(reload->server->base, reload->wake,
					  EV_READ | EV_PERSIST, on_woken, reload);
	if (!reload->woken || event_add(reload->woken, NULL))
		return fault_set(fault, TOBI_E_MEMORY, "broker", "reload",
				 "out of memory or descriptors");
	return TOBI_OK;
}

void reload_start(struct reload *reload)
{
	if (reload->running)
		reload->again = true;
	else
		start_thread(reload);
}

void reload_done(struct reload *reload)
{
	if (reload->running)
		finish(reload);
	if (reload->woken)
		event_free(reload->woken);
	reload->woken = NULL;
	fd_close(&reload->wake);
}
