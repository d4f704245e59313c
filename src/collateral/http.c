#include "collateral/http.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "collateral/http_curl.h"

enum {
	CONNECT_MS = 10000,
	STALL_SECONDS = 10, /* without a byte */
	HEADERS_MAX = 64 << 10,
	HEADER_MAX = 32 << 10, /* of the one that is kept */
	TYPE_MAX = 128,
	WAIT_FIRST_MS = 250,
	WAIT_MAX_MS = 30000,
	STATUS_OK = 200,
	STATUS_NOT_FOUND = 404,
	STATUS_GONE = 410,
	STATUS_TOO_MANY = 429,
	STATUS_SERVER = 500,
};

/* Of every cloud that has such a service. */
static const char metadata_host[] = "169.254.169.254";

struct http_client {
	struct curl_api curl;
	struct http_settings settings;
};

/* One try. */
struct
try {
	const struct http_request *request;
	struct http_answer answer;
	size_t headers; /* bytes of them */
	char type[TYPE_MAX];
	unsigned retry_after_ms;
	bool has_header, two_headers, too_large, headers_too_large;
	char error[CURL_ERROR_SIZE];
	struct curl_slist *lines;
	long status;
	CURLcode code;
};

enum tobi_err http_client_new(const struct http_settings *settings,
			      struct http_client **ret_client, struct tobi_fault *fault)
{
	struct http_client *client = calloc(1, sizeof(*client));
	enum tobi_err err;

	if (!client)
		return fault_set(fault, TOBI_E_MEMORY, "fetch", "", "out of memory");
	client->settings = *settings;
	err = curl_api_load(&client->curl, fault);
	if (err) {
		free(client);
		return err;
	}
	*ret_client = client;
	return TOBI_OK;
}

void http_client_free(struct http_client *client)
{
	free(client);
}

void http_answer_done(struct http_answer *answer)
{
	wr_done(&answer->body);
	wr_done(&answer->header);
}

static size_t take_body(char *bytes, size_t one, size_t size, void *context)
{
	struct try *try = context;

	wr_bytes(&try->answer.body, bytes, one * size);
	if (!wr_err(&try->answer.body))
		return one * size;
	try->too_large = true;
	return 0;
}

/* The value, without the space around it; false for another header. */
static bool is_header(struct tobi_bytes line, const char *name,
		      struct tobi_bytes *ret_value)
{
	size_t size = name ? strlen(name) : 0;

	if (!name || line.size <= size || line.ptr[size] != ':' ||
	    strncasecmp((const char *)line.ptr, name, size) != 0)
		return false;
	line.ptr += size + 1;
	line.size -= size + 1;
	while (line.size && strchr(" \t", line.ptr[0])) {
		line.ptr++;
		line.size--;
	}
	while (line.size && strchr(" \t\r\n", line.ptr[line.size - 1]))
		line.size--;
	*ret_value = line;
	return true;
}

static void keep_header(struct try *try, struct tobi_bytes value)
{
	try->two_headers |= try->has_header;
	try->has_header = true;
	wr_bytes(&try->answer.header, value.ptr, value.size);
	try->headers_too_large |= wr_err(&try->answer.header) != TOBI_OK;
}

/* Seconds; a date is longer than anybody waits here. */
static unsigned read_retry_after(struct tobi_bytes value)
{
	unsigned seconds = 0;

	for (size_t i = 0; i < value.size && i < 6; i++) {
		if (value.ptr[i] < '0' || value.ptr[i] > '9')
			return WAIT_MAX_MS;
		seconds = 10 * seconds + (unsigned)(value.ptr[i] - '0');
	}
	return seconds > WAIT_MAX_MS / 1000 ? WAIT_MAX_MS : 1000 * seconds;
}

static size_t take_header(char *bytes, size_t one, size_t size, void *context)
{
	const struct tobi_bytes line = {(const uint8_t *)bytes, one * size};
	struct try *try = context;
	struct tobi_bytes value;

	try->headers += line.size;
	if (try->headers > HEADERS_MAX)
		try->headers_too_large = true;
	else if (is_header(line, try->request->header, &value) ||
		 is_header(line, try->request->old_header, &value))
		keep_header(try, value);
	else if (is_header(line, "Retry-After", &value))
		try->retry_after_ms = read_retry_after(value);
	else if (is_header(line, "Content-Type", &value))
		snprintf(try->type, sizeof(try->type), "%.*s",
			 value.size < TYPE_MAX ? (int)value.size : TYPE_MAX - 1,
			 (const char *)value.ptr);
	return try->headers_too_large ? 0 : line.size;
}

static bool is_loopback(const char *host)
{
	struct in_addr address;

	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
	       (inet_pton(AF_INET, host, &address) == 1 &&
		ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET);
}

/* Whether the address may be asked, and whether it is this host. */
static enum tobi_err check_url(const struct curl_api *curl,
			       const struct http_request *request, bool *ret_local,
			       struct tobi_fault *fault)
{
	const char *url = request->url;
	CURLU *parsed = curl->url();
	char *scheme = NULL, *host = NULL, *user = NULL;
	bool local, good = false;

	if (parsed && curl->url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl->url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl->url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK) {
		local = is_loopback(host) ||
			(request->of_this_host && strcmp(host, metadata_host) == 0);
		good = strcmp(scheme, "https") == 0 ||
		       (strcmp(scheme, "http") == 0 && local);
		good = good &&
		       curl->url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_NO_USER;
		*ret_local = local;
	}
	curl->free(scheme);
	curl->free(host);
	curl->free(user);
	curl->url_cleanup(parsed);
	return good ? TOBI_OK
		    : fault_set(fault, TOBI_E_ARGUMENT, "fetch", "address",
				"%.200s: https:// is needed (http:// to this host only), "
				"without a user's name",
				url);
}

static bool set_up(const struct http_client *client, CURL *easy, struct try *try,
		   bool local, unsigned left_ms)
{
	const struct curl_api *curl = &client->curl;
	bool good = true;

#define SET(option, value)                                                               \
	(good = curl->easy_setopt(easy, (option), (value)) == CURLE_OK && good)
	SET(CURLOPT_URL, try->request->url);
	SET(CURLOPT_PROTOCOLS_STR, local ? "http,https" : "https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (client->settings.ca_file)
		SET(CURLOPT_CAINFO, client->settings.ca_file);
	if (local)
		SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    (long)(left_ms < CONNECT_MS ? left_ms : CONNECT_MS));
	SET(CURLOPT_TIMEOUT_MS, (long)left_ms);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, (long)STALL_SECONDS);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)try->request->ceiling);
	SET(CURLOPT_USERAGENT, "tobichi/" TOBICHI_VERSION);
	SET(CURLOPT_ERRORBUFFER, try->error);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, try);
	SET(CURLOPT_HEADERFUNCTION, take_header);
	SET(CURLOPT_HEADERDATA, try);
#undef SET
	return good;
}

/* Headers of the caller's, and a body. */
static bool set_up_question(const struct curl_api *curl, CURL *easy, struct try *try)
{
	const struct http_request *request = try->request;

	for (size_t i = 0; i < HTTP_LINES_MAX && request->lines[i]; i++) {
		struct curl_slist *more =
		    curl->slist_append(try->lines, request->lines[i]);

		if (!more)
			return false;
		try->lines = more;
	}
	if (try->lines &&
	    curl->easy_setopt(easy, CURLOPT_HTTPHEADER, try->lines) != CURLE_OK)
		return false;
	if (request->method &&
	    curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK)
		return false;
	if (!request->body.size)
		return true;
	return curl->easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)request->body.size) == CURLE_OK &&
	       curl->easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.ptr) == CURLE_OK;
}

static enum tobi_err perform(struct http_client *client, struct try *try, bool local,
			     unsigned left_ms, unsigned *ret_took_ms,
			     struct tobi_fault *fault)
{
	const struct curl_api *curl = &client->curl;
	CURL *easy = curl->easy_init();
	curl_off_t took = 0;

	if (!easy || !set_up(client, easy, try, local, left_ms) ||
	    !set_up_question(curl, easy, try)) {
		curl->easy_cleanup(easy);
		curl->slist_free_all(try->lines);
		return fault_set(fault, TOBI_E_SYSTEM, "fetch", "",
				 "libcurl does not do what is needed");
	}
	try->code = curl->easy_perform(easy);
	curl->easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &try->status);
	curl->easy_getinfo(easy, CURLINFO_TOTAL_TIME_T, &took);
	curl->easy_cleanup(easy);
	curl->slist_free_all(try->lines);
	try->lines = NULL;
	*ret_took_ms = (unsigned)(took / 1000);
	return TOBI_OK;
}

static bool is_type(const char *type, const char *wanted)
{
	size_t size = strlen(wanted);

	return strncasecmp(type, wanted, size) == 0 &&
	       (!type[size] || strchr("; \t", type[size]));
}

static bool is_wanted_type(const struct try *try)
{
	const char *const *types = try->request->types;

	for (size_t i = 0; i < HTTP_TYPES_MAX && types[i]; i++) {
		if (is_type(try->type, types[i]))
			return true;
	}
	return !types[0];
}

static enum tobi_err fail(const struct try *try, enum tobi_err err, const char *why,
			  struct tobi_fault *fault)
{
	return fault_set(fault, err, "fetch", "", "%.160s: %s", try->request->url, why);
}

/* What libcurl gave up for. */
static enum tobi_err judge_transfer(const struct try *try, struct tobi_fault *fault)
{
	char why[192];

	if (try->too_large || try->code == CURLE_FILESIZE_EXCEEDED) {
		snprintf(why, sizeof(why), "the answer has over %zu bytes",
			 try->request->ceiling);
		return fail(try, TOBI_E_LIMIT, why, fault);
	}
	if (try->headers_too_large)
		return fail(try, TOBI_E_LIMIT, "its headers are too large", fault);
	switch (try->code) {
	case CURLE_OK:
		return TOBI_OK;
	case CURLE_OPERATION_TIMEDOUT:
		return fail(try, TOBI_E_TIMEOUT, "it took too long, or stalled", fault);
	case CURLE_PARTIAL_FILE:
		return fail(try, TOBI_E_PROTOCOL, "the answer ended early", fault);
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		snprintf(why, sizeof(why), "it cannot be reached: %.120s", try->error);
		return fail(try, TOBI_E_SYSTEM, why, fault);
	default:
		snprintf(why, sizeof(why), "%.160s", try->error);
		return fail(try, TOBI_E_PROTOCOL, why, fault);
	}
}

static enum tobi_err judge(const struct try *try, struct tobi_fault *fault)
{
	char why[256];
	enum tobi_err err = judge_transfer(try, fault);

	if (err)
		return err;
	if (try->request->any_status && try->status != STATUS_TOO_MANY &&
	    try->status < STATUS_SERVER)
		return TOBI_OK;
	if (try->status == STATUS_NOT_FOUND || try->status == STATUS_GONE)
		return fail(try, TOBI_E_NOT_FOUND, "the service does not have it", fault);
	if (try->status != STATUS_OK) {
		snprintf(why, sizeof(why), "the service answers %ld%s", try->status,
			 try->status / 100 == 3 ? ", a redirect, which is not followed"
						: "");
		return fail(try, TOBI_E_PROTOCOL, why, fault);
	}
	if (!is_wanted_type(try)) {
		snprintf(why, sizeof(why), "the content type is '%.80s', not %s",
			 try->type, try->request->types[0]);
		return fail(try, TOBI_E_PROTOCOL, why, fault);
	}
	if (try->request->header && (!try->has_header || try->two_headers)) {
		snprintf(why, sizeof(why), "the header %s is %s", try->request->header,
			 try->has_header ? "there twice" : "missing");
		return fail(try, TOBI_E_PROTOCOL, why, fault);
	}
	return try->answer.body.size
		   ? TOBI_OK
		   : fail(try, TOBI_E_PROTOCOL, "the answer is empty", fault);
}

/* What another try may change. */
static bool is_passing(const struct try *try, enum tobi_err err)
{
	if (try->code == CURLE_OK)
		return try->status == STATUS_TOO_MANY || try->status >= STATUS_SERVER;
	return try->code != CURLE_PEER_FAILED_VERIFICATION && err != TOBI_E_LIMIT;
}

static void wait_ms(unsigned milliseconds)
{
	struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};

	while (nanosleep(&left, &left) != 0)
		;
}

enum tobi_err http_get(struct http_client *client, const struct http_request *request,
		       struct http_answer *ret_answer, struct tobi_fault *fault)
{
	unsigned left_ms = client->settings.timeout_ms, wait = WAIT_FIRST_MS, took = 0;
	bool local = false;
	enum tobi_err err = check_url(&client->curl, request, &local, fault);

	for (unsigned i = 0; !err; i++) {
		struct try try = {.request = request};
		bool again;

		try.answer.body = wr_init(request->ceiling);
		try.answer.header = wr_init(HEADER_MAX);
		err = perform(client, &try, local, left_ms, &took, fault);
		if (!err)
			err = judge(&try, fault);
		if (!err) {
			try.answer.status = try.status;
			*ret_answer = try.answer;
			return TOBI_OK;
		}
		wait = try.retry_after_ms ? try.retry_after_ms : wait;
		again = is_passing(&try, err) && i + 1 < client->settings.tries &&
			left_ms > took + wait;
		if (!again && request->any_status && !judge_transfer(&try, NULL)) {
			try.answer.status = try.status;
			*ret_answer = try.answer;
			return TOBI_OK;
		}
		http_answer_done(&try.answer);
		if (!again)
			return err;
		left_ms -= took + wait;
		wait_ms(wait);
		wait *= 2;
		err = TOBI_OK;
	}
	return err;
}
