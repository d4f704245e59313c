#include "daemons/broker/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"

enum { BUCKETS = 12, CLASSES = 6, MILLION = 1000000 };

#define PREFIX "tobichi_broker_"

static const uint64_t bounds[BUCKETS] = {500,	 1000,	  2500,	   5000,
					 10000,	 25000,	  50000,   100000,
					 250000, 1000000, 2500000, 10000000};

struct slot {
	const char *name;
	uint64_t by_class[CLASSES]; /* of the status, in hundreds */
	uint64_t buckets[BUCKETS], count, microseconds;
};

struct metrics {
	struct metrics_counters counters;
	struct slot *slots;
	size_t count;
};

static struct slot *slot_of(struct metrics *metrics, const char *name)
{
	for (size_t i = 0; i < metrics->count; i++) {
		if (strcmp(metrics->slots[i].name, name) == 0)
			return &metrics->slots[i];
	}
	return NULL;
}

enum tobi_err metrics_new(const struct broker_route *const *tables,
			  struct metrics **ret_metrics, struct tobi_fault *fault)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	size_t rows = 0;

	for (size_t t = 0; tables[t]; t++) {
		for (size_t i = 0; tables[t][i].pattern; i++)
			rows++;
	}
	if (metrics)
		metrics->slots = calloc(rows + 1, sizeof(*metrics->slots));
	if (!metrics || !metrics->slots) {
		metrics_free(metrics);
		return fault_set(fault, TOBI_E_MEMORY, "broker", "", "out of memory");
	}
	for (size_t t = 0; tables[t]; t++) {
		for (const struct broker_route *row = tables[t]; row->pattern; row++) {
			if (!slot_of(metrics, row->name))
				metrics->slots[metrics->count++].name = row->name;
		}
	}
	*ret_metrics = metrics;
	return TOBI_OK;
}

void metrics_free(struct metrics *metrics)
{
	if (metrics)
		free(metrics->slots);
	free(metrics);
}

struct metrics_counters *metrics_counters(struct metrics *metrics)
{
	return &metrics->counters;
}

void metrics_answered(struct metrics *metrics, const struct broker_route *route,
		      int status, uint64_t microseconds)
{
	struct slot *slot = slot_of(metrics, route->name);
	size_t class = (size_t)status / 100;

	if (!slot)
		return;
	slot->by_class[class < CLASSES ? class : 0]++;
	slot->count++;
	slot->microseconds += microseconds;
	for (size_t i = 0; i < BUCKETS; i++)
		slot->buckets[i] += microseconds <= bounds[i];
}

static void write_head(struct writer *out, const char *name, const char *type,
		       const char *help)
{
	wr_printf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help,
		  name, type);
}

static void write_counters(const struct metrics_counters *counters, struct writer *out)
{
	const struct {
		const char *name, *label, *help;
		uint64_t value;
	} rows[] = {
#define X(member, name, label, help) {name, label, help, counters->member},
	    METRIC_COUNTERS(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0)
			write_head(out, rows[i].name, "counter", rows[i].help);
		wr_printf(out, PREFIX "%s%s%s%s %llu\n", rows[i].name,
			  rows[i].label[0] ? "{" : "", rows[i].label,
			  rows[i].label[0] ? "}" : "", (unsigned long long)rows[i].value);
	}
}

static void write_gauge(struct writer *out, const char *name, const char *help,
			uint64_t value)
{
	write_head(out, name, "gauge", help);
	wr_printf(out, PREFIX "%s %llu\n", name, (unsigned long long)value);
}

static void write_gauges(const struct metrics_gauges *gauges, struct writer *out)
{
	write_head(out, "build_info", "gauge", "The version that runs.");
	wr_printf(out, PREFIX "build_info{version=\"" TOBICHI_VERSION "\"} 1\n");
	write_gauge(out, "start_time_seconds", "When it was started, since 1970.",
		    (uint64_t)gauges->started);
	write_gauge(out, "connections", "Connections that are open.",
		    gauges->connections);
	write_gauge(out, "queue_requests", "Requests that wait for a worker.",
		    gauges->queue);
	write_gauge(out, "working_requests", "Requests that a worker has.",
		    gauges->working);
	write_gauge(out, "body_memory_bytes", "Memory that bodies of requests take.",
		    gauges->body_memory);
	write_gauge(out, "tls_certificate_expiry_seconds",
		    "When the TLS certificate ends, since 1970; 0 without TLS.",
		    gauges->certificate_expiry);
}

static void write_slots(const struct metrics *metrics, struct writer *out)
{
	write_head(out, "requests_total", "counter",
		   "Requests that a handler has answered.");
	for (size_t i = 0; i < metrics->count; i++) {
		const struct slot *slot = &metrics->slots[i];

		for (size_t class = 1; class < CLASSES; class ++)
			wr_printf(out,
				  PREFIX "requests_total{route=\"%s\",code=\"%zuxx\"} "
					 "%llu\n",
				  slot->name, class,
				  (unsigned long long)slot->by_class[class]);
	}
	write_head(out, "request_seconds", "histogram",
		   "From a request's last byte to its reply's first.");
	for (size_t i = 0; i < metrics->count; i++) {
		const struct slot *slot = &metrics->slots[i];

		for (size_t b = 0; b < BUCKETS; b++)
			wr_printf(out,
				  PREFIX "request_seconds_bucket{route=\"%s\",le=\"%g\"} "
					 "%llu\n",
				  slot->name, (double)bounds[b] / MILLION,
				  (unsigned long long)slot->buckets[b]);
		wr_printf(out,
			  PREFIX
			  "request_seconds_bucket{route=\"%s\",le=\"+Inf\"} %llu\n" PREFIX
			  "request_seconds_sum{route=\"%s\"} %.6f\n" PREFIX
			  "request_seconds_count{route=\"%s\"} %llu\n",
			  slot->name, (unsigned long long)slot->count, slot->name,
			  (double)slot->microseconds / MILLION, slot->name,
			  (unsigned long long)slot->count);
	}
}

void metrics_write(const struct metrics *metrics, const struct metrics_gauges *gauges,
		   struct writer *out)
{
	write_gauges(gauges, out);
	write_counters(&metrics->counters, out);
	write_slots(metrics, out);
}
