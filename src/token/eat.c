#include "token/eat.h"

#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/secret.h"
#include "codec/base64.h"

static const char object[] = "token";

enum {
	NONCE_MIN = 8,
	NONCE_MAX = 64,
	NONCE_TEXT_MAX = 88,
	UEID_MIN = 7,
	UEID_MAX = 33,
	OEM_IEEE = 3,
	OEM_RANDOM = 16,
	MODEL_MAX = 32,
};
static const json_int_t time_max = INT64_C(1) << 53;

static const char *const dbgstats[] = {"enabled", "disabled", "disabled-since-boot",
				       "disabled-permanently",
				       "disabled-fully-and-permanently"};
static const char *const intuses[] = {"generic", "registration", "provisioning", "csr",
				      "pop"};

const char *eat_dbgstat_name(int dbgstat)
{
	return dbgstat >= 0 && dbgstat < 5 ? dbgstats[dbgstat] : "not said";
}

const char *eat_intuse_name(int intuse)
{
	return intuse >= 1 && intuse <= 5 ? intuses[intuse - 1] : "not said";
}

struct eat_reader {
	const json_t *tree;
	struct arena *arena;
	struct eat *eat;
	struct tobi_fault *fault;
	enum tobi_err err; /* sticky */
};

static void fail(struct eat_reader *rd, const char *claim, const char *what)
{
	if (!rd->err)
		rd->err =
		    fault_set(rd->fault, TOBI_E_MALFORMED, object, claim, "%s", what);
}

static const char *copy_text(struct eat_reader *rd, const char *text)
{
	const char *copy = arena_text(rd->arena, bytes_of_text(text));

	if (!copy && !rd->err)
		rd->err =
		    fault_set(rd->fault, TOBI_E_MEMORY, object, "", "out of memory");
	return copy ? copy : "";
}

/* ---- each kind of claim ---- */

static const char *take_text(struct eat_reader *rd, const char *claim)
{
	json_t *value = json_object_get(rd->tree, claim);

	if (!value)
		return NULL;
	if (!json_is_string(value) || !json_string_length(value)) {
		fail(rd, claim, "it is no text");
		return NULL;
	}
	return copy_text(rd, json_string_value(value));
}

static int64_t take_number(struct eat_reader *rd, const char *claim, json_int_t least,
			   bool *ret_has)
{
	json_t *value = json_object_get(rd->tree, claim);
	json_int_t number = json_integer_value(value);

	*ret_has = value != NULL;
	if (value && (!json_is_integer(value) || number < least || number > time_max))
		fail(rd, claim, "it is no whole number in its range");
	return number;
}

static int64_t take_time(struct eat_reader *rd, const char *claim)
{
	bool has;

	return take_number(rd, claim, 1, &has);
}

/* base64url of least to most bytes; empty where the claim is absent. */
static struct tobi_bytes take_bytes(struct eat_reader *rd, const char *claim,
				    size_t least, size_t most)
{
	const json_t *value = json_object_get(rd->tree, claim);
	const char *text = json_string_value(value);
	struct writer bytes = wr_init(most);
	struct tobi_bytes copy = {0};

	if (value &&
	    (!text || base64url_read(bytes_of_text(text), object, &bytes, NULL) ||
	     bytes.size < least))
		fail(rd, claim, "it is no base64url of the size that it must have");
	else if (value)
		copy = arena_copy(rd->arena, wr_view(&bytes));
	wr_done(&bytes);
	return copy;
}

static const char *show_hex(struct eat_reader *rd, struct tobi_bytes bytes)
{
	char hex[2 * 64 + 1] = "";

	if (bytes.size == 0 || bytes.size > 64)
		return NULL;
	hex_write(bytes, hex, sizeof(hex));
	return copy_text(rd, hex);
}

/* A number of CBOR, or its word in JSON; -1 where it is absent. */
static int take_word(struct eat_reader *rd, const char *claim, const char *const *words,
		     int least, size_t count)
{
	const json_t *value = json_object_get(rd->tree, claim);
	json_int_t number = json_integer_value(value) - least;

	if (!value)
		return -1;
	if (json_is_integer(value) && number >= 0 && (size_t)number < count)
		return (int)number + least;
	for (size_t i = 0; json_is_string(value) && i < count; i++) {
		if (strcmp(words[i], json_string_value(value)) == 0)
			return (int)i + least;
	}
	fail(rd, claim, "it is none of its values");
	return -1;
}

/* [text, ? scheme]. */
static const char *take_version(struct eat_reader *rd, const char *claim,
				const char *needs)
{
	json_t *value = json_object_get(rd->tree, claim);
	json_t *text = json_array_get(value, 0);

	if (!value)
		return NULL;
	if (!json_object_get(rd->tree, needs))
		fail(rd, claim, "what it is the version of is not there");
	if (json_array_size(value) < 1 || json_array_size(value) > 2 ||
	    !json_is_string(text)) {
		fail(rd, claim, "it is no version");
		return NULL;
	}
	return copy_text(rd, json_string_value(text));
}

static void take_shape(struct eat_reader *rd, const char *claim, json_type type)
{
	json_t *value = json_object_get(rd->tree, claim);

	if (value && json_typeof(value) != type)
		fail(rd, claim, "it has the wrong type");
}

/* ---- nonces ---- */

static void add_nonce(struct eat_reader *rd, struct tobi_bytes nonce)
{
	struct eat *eat = rd->eat;

	eat->nonces[eat->nonce_count++] = arena_copy(rd->arena, nonce);
}

/* In JSON the nonce is a text. Whoever asked gave either that text or the bytes of which
 * it is the base64url; both readings count. */
static void take_nonce(struct eat_reader *rd, const json_t *nonce)
{
	struct tobi_bytes text = bytes_of_text(json_string_value(nonce));
	CLEANUP(wr_done) struct writer bytes = wr_init(NONCE_TEXT_MAX);
	bool decodes = !base64url_read(text, object, &bytes, NULL);

	if (rd->eat->nonce_given == EAT_NONCES_MAX || text.size < NONCE_MIN ||
	    text.size > NONCE_TEXT_MAX ||
	    (!rd->eat->is_json && (bytes.size < NONCE_MIN || bytes.size > NONCE_MAX))) {
		fail(rd, "eat_nonce", "it is no nonce of 8 to 64 bytes");
		return;
	}
	rd->eat->nonce_given++;
	if (decodes)
		add_nonce(rd, wr_view(&bytes));
	if (rd->eat->is_json)
		add_nonce(rd, text);
}

static void take_nonces(struct eat_reader *rd)
{
	json_t *nonce = json_object_get(rd->tree, "eat_nonce"), *item;
	size_t i;

	/* RFC 9711 section 4.1: another claim of JWT, with another meaning. */
	if (json_object_get(rd->tree, "nonce"))
		fail(rd, "nonce", "an EAT has its nonce in eat_nonce");
	if (!nonce)
		return;
	if (!json_is_array(nonce)) {
		take_nonce(rd, nonce);
		return;
	}
	if (json_array_size(nonce) < 2)
		fail(rd, "eat_nonce", "a list of one is written without the list");
	json_array_foreach(nonce, i, item) take_nonce(rd, item);
}

static void take_hardware(struct eat_reader *rd)
{
	struct eat *eat = rd->eat;
	json_t *oem = json_object_get(rd->tree, "oemid");
	struct tobi_bytes bytes;

	eat->ueid = take_bytes(rd, "ueid", UEID_MIN, UEID_MAX);
	if (eat->ueid.size && (eat->ueid.ptr[0] < 1 || eat->ueid.ptr[0] > 3))
		fail(rd, "ueid", "its first byte is no type of UEID");
	if (json_is_integer(oem)) {
		eat->oemid =
		    arena_printf(rd->arena, "%" PRId64, (int64_t)json_integer_value(oem));
	} else {
		bytes = take_bytes(rd, "oemid", OEM_IEEE, OEM_RANDOM);
		if (bytes.size && bytes.size != OEM_IEEE && bytes.size != OEM_RANDOM)
			fail(rd, "oemid", "it has neither 3 nor 16 bytes");
		eat->oemid = show_hex(rd, bytes);
	}
	bytes = take_bytes(rd, "hwmodel", 1, MODEL_MAX);
	if (bytes.size && !oem)
		fail(rd, "hwmodel", "it needs oemid beside it");
	eat->hwmodel = show_hex(rd, bytes);
	eat->hwversion = take_version(rd, "hwversion", "hwmodel");
}

static void count_unknown(struct eat_reader *rd)
{
	static const char *const known[] = {
	    "iss",	 "sub",		"aud",		"exp",	    "nbf",     "iat",
	    "jti",	 "cnf",		"eat_nonce",	"ueid",	    "sueids",  "oemid",
	    "hwmodel",	 "hwversion",	"uptime",	"oemboot",  "dbgstat", "location",
	    "submods",	 "eat_profile", "bootcount",	"bootseed", "dloas",   "swname",
	    "swversion", "manifests",	"measurements", "measres",  "intuse"};
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)rd->tree, name, value)
	{
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) &&
		       strcmp(known[i], name) != 0)
			i++;
		rd->eat->unknown += i == sizeof(known) / sizeof(known[0]);
	}
}

bool eat_is(const json_t *tree)
{
	static const char *const only[] = {"eat_profile", "eat_nonce",	  "ueid",
					   "submods",	  "dbgstat",	  "swname",
					   "oemid",	  "measurements", "measres"};

	for (size_t i = 0; i < sizeof(only) / sizeof(only[0]); i++) {
		if (json_object_get(tree, only[i]))
			return true;
	}
	return false;
}

enum tobi_err eat_read(const json_t *tree, bool is_json, struct arena *arena,
		       struct eat *ret_eat, struct tobi_fault *fault)
{
	static const char *const lists[] = {"dloas", "manifests", "measurements",
					    "measres"};
	struct eat eat = {.is_json = is_json};
	struct eat_reader rd = {tree, arena, &eat, fault, TOBI_OK};

	if (!json_is_object(tree))
		return fault_set(fault, TOBI_E_MALFORMED, object, "", "it is no map");
	eat.profile = take_text(&rd, "eat_profile");
	eat.issuer = take_text(&rd, "iss");
	eat.subject = take_text(&rd, "sub");
	eat.issued = take_time(&rd, "iat");
	eat.expires = take_time(&rd, "exp");
	eat.not_before = take_time(&rd, "nbf");
	take_nonces(&rd);
	take_hardware(&rd);
	eat.swname = take_text(&rd, "swname");
	eat.swversion = take_version(&rd, "swversion", "swname");
	eat.dbgstat = take_word(&rd, "dbgstat", dbgstats, 0, 5);
	eat.intuse = take_word(&rd, "intuse", intuses, 1, 5);
	eat.uptime = take_number(&rd, "uptime", 0, &eat.has_uptime);
	eat.bootcount = take_number(&rd, "bootcount", 0, &eat.has_bootcount);
	eat.has_oemboot = json_object_get(tree, "oemboot") != NULL;
	eat.oemboot = json_is_true(json_object_get(tree, "oemboot"));
	if (eat.has_oemboot && !json_is_boolean(json_object_get(tree, "oemboot")))
		fail(&rd, "oemboot", "it is no boolean");
	take_shape(&rd, "sueids", JSON_OBJECT);
	take_shape(&rd, "location", JSON_OBJECT);
	take_shape(&rd, "submods", JSON_OBJECT);
	take_shape(&rd, "bootseed", JSON_STRING);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		take_shape(&rd, lists[i], JSON_ARRAY);
	count_unknown(&rd);
	if (!rd.err)
		*ret_eat = eat;
	return rd.err;
}
