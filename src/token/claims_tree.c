#include "token/claims_tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/secret.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "token/cmw.h"

/* Which map a key is in says what it means. */
enum context { CLAIMS, SUBMODS, VECTOR, VERIFIER, CNF, KEY, VALUE };

enum { ENTRIES_MAX = 256, NAME_MAX_SIZE = 256, FRAMES_MAX = LIMIT_CBOR_DEPTH + 2 };

static const char *const vector_names[AR4SI_CLAIMS] = {
    [AR4SI_INSTANCE] = "instance-identity", [AR4SI_CONFIGURATION] = "configuration",
    [AR4SI_EXECUTABLES] = "executables",    [AR4SI_FILES] = "file-system",
    [AR4SI_HARDWARE] = "hardware",	    [AR4SI_RUNTIME] = "runtime-opaque",
    [AR4SI_STORAGE] = "storage-opaque",	    [AR4SI_SOURCES] = "sourced-data",
};

const char *ar4si_name(size_t claim)
{
	return claim < AR4SI_CLAIMS ? vector_names[claim] : NULL;
}

/* IANA: CBOR web token claims, CWT confirmation methods, COSE key parameters; drafts EAR
 * and AR4SI. inside: the context of its value. */
static const struct name {
	enum context context;
	int64_t key;
	const char *name;
	enum context inside;
} names[] = {
    {CLAIMS, 1, "iss", VALUE},
    {CLAIMS, 2, "sub", VALUE},
    {CLAIMS, 3, "aud", VALUE},
    {CLAIMS, 4, "exp", VALUE},
    {CLAIMS, 5, "nbf", VALUE},
    {CLAIMS, 6, "iat", VALUE},
    {CLAIMS, 7, "jti", VALUE},
    {CLAIMS, 8, "cnf", CNF},
    {CLAIMS, 10, "eat_nonce", VALUE},
    {CLAIMS, 256, "ueid", VALUE},
    {CLAIMS, 257, "sueids", VALUE},
    {CLAIMS, 258, "oemid", VALUE},
    {CLAIMS, 259, "hwmodel", VALUE},
    {CLAIMS, 260, "hwversion", VALUE},
    {CLAIMS, 261, "uptime", VALUE},
    {CLAIMS, 262, "oemboot", VALUE},
    {CLAIMS, 263, "dbgstat", VALUE},
    {CLAIMS, 264, "location", VALUE},
    {CLAIMS, 265, "eat_profile", VALUE},
    {CLAIMS, 266, "submods", SUBMODS},
    {CLAIMS, 267, "bootcount", VALUE},
    {CLAIMS, 268, "bootseed", VALUE},
    {CLAIMS, 269, "dloas", VALUE},
    {CLAIMS, 270, "swname", VALUE},
    {CLAIMS, 271, "swversion", VALUE},
    {CLAIMS, 272, "manifests", VALUE},
    {CLAIMS, 273, "measurements", VALUE},
    {CLAIMS, 274, "measres", VALUE},
    {CLAIMS, 275, "intuse", VALUE},
    {CLAIMS, 299, "cmw", CLAIMS}, /* as draft-ietf-rats-msg-wrap proposes it */
    {CLAIMS, 1000, "ear_status", VALUE},
    {CLAIMS, 1001, "ear_trustworthiness_vector", VECTOR},
    {CLAIMS, 1002, "ear_raw_evidence", VALUE},
    {CLAIMS, 1003, "ear_appraisal_policy_ids", VALUE},
    {CLAIMS, 1004, "ear_verifier_id", VERIFIER},
    {CLAIMS, 65000, "ear_teep_claims", VALUE},
    {CLAIMS, -70000, "ear_veraison_annotated_evidence", VALUE},
    {CLAIMS, -70001, "ear_veraison_policy_claims", VALUE},
    {CLAIMS, -70002, "ear_veraison_key_attestation", VALUE},
    {CLAIMS, -70501, "tobichi", VALUE},
    {VERIFIER, 0, "developer", VALUE},
    {VERIFIER, 1, "build", VALUE},
    {CNF, 1, "jwk", KEY},
    {CNF, 3, "kid", VALUE},
    {KEY, 1, "kty", VALUE},
    {KEY, 2, "kid", VALUE},
    {KEY, 3, "alg", VALUE},
    {KEY, -1, "crv", VALUE},
    {KEY, -2, "x", VALUE},
    {KEY, -3, "y", VALUE},
    {KEY, -4, "d", VALUE},
};

static const struct name *name_of(enum context context, int64_t key)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].context == context && names[i].key == key)
			return &names[i];
	}
	return NULL;
}

/* A map or an array that is being read. */
struct frame {
	json_t *container; /* borrowed from the tree */
	enum context context;
	struct cbor_map map; /* of a map */
	size_t left;	     /* of an array */
	bool is_map;
};

struct tree {
	struct cbor cbor;
	struct frame frames[FRAMES_MAX];
	size_t depth;
	bool no_memory;
	/* Of the value that comes next. */
	char key[NAME_MAX_SIZE];
	enum context inside;
};

/* Puts it where it belongs; takes the reference. */
static void put(struct tree *tree, json_t *value)
{
	struct frame *frame = &tree->frames[tree->depth - 1];

	if (!value) {
		tree->no_memory = true;
		return;
	}
	if (!frame->is_map) {
		tree->no_memory |= json_array_append_new(frame->container, value) != 0;
		return;
	}
	/* 10 and "10", or 6 and "iat". */
	if (json_object_get(frame->container, tree->key)) {
		cbor_fail(&tree->cbor, TOBI_E_MALFORMED, "two keys of one name");
		json_decref(value);
		return;
	}
	tree->no_memory |= json_object_set_new(frame->container, tree->key, value) != 0;
}

static void open_map(struct tree *tree)
{
	struct frame frame = {
	    .container = json_object(), .context = tree->inside, .is_map = true};

	frame.map = cbor_map(&tree->cbor, ENTRIES_MAX, "map");
	put(tree, frame.container);
	if (tree->depth == FRAMES_MAX)
		cbor_fail(&tree->cbor, TOBI_E_LIMIT, "depth");
	else if (!cbor_failed(&tree->cbor))
		tree->frames[tree->depth++] = frame;
}

static void open_array(struct tree *tree)
{
	struct frame frame = {.container = json_array(), .context = VALUE};

	frame.left = cbor_array(&tree->cbor, ENTRIES_MAX, "array");
	put(tree, frame.container);
	if (tree->depth == FRAMES_MAX)
		cbor_fail(&tree->cbor, TOBI_E_LIMIT, "depth");
	else if (!cbor_failed(&tree->cbor))
		tree->frames[tree->depth++] = frame;
}

static json_t *text_json(struct tobi_bytes text)
{
	return json_stringn(text.size ? (const char *)text.ptr : "", text.size);
}

/* RFC 9711 section 7.2.3: the text is JSON of its own, ["JWT", "..."]. */
static void put_selector(struct tree *tree, struct tobi_bytes text)
{
	json_t *selector = NULL;

	if (json_parse(text, LIMIT_TOKEN, "submods", &selector, NULL))
		cbor_fail(&tree->cbor, TOBI_E_MALFORMED, "submods");
	else
		put(tree, selector);
}

/* Detached-Submodule-Digest: [algorithm, hash]; COSE's numbers of hashes are negative. */
static void put_digest(struct tree *tree, size_t count)
{
	struct cbor *cbor = &tree->cbor;
	int64_t algorithm = cbor_int(cbor, "submods");

	if (count != 2)
		cbor_fail(cbor, TOBI_E_MALFORMED, "submods");
	put(tree, json_pack("[s, [I, o]]", "DIGEST", (json_int_t)algorithm,
			    json_base64url(cbor_bytes(cbor, 64, "submods"),
					   2 * LIMIT_EVIDENCE)));
}

/* What follows the type of a record of a wrapper (CMW), which is taken over. */
static void put_record(struct tree *tree, json_t *type, size_t count)
{
	struct cbor *cbor = &tree->cbor;
	json_t *value =
	    json_base64url(cbor_bytes(cbor, LIMIT_TOKEN, "submods"), 2 * LIMIT_EVIDENCE);

	if (count == 3)
		put(tree,
		    json_pack("[o, o, I]", type, value,
			      (json_int_t)cbor_uint_max(cbor, UINT32_MAX, "submods")));
	else
		put(tree, json_pack("[o, o]", type, value));
}

/* A digest, or a record of a wrapper: its type is a media type or a content format. */
static void put_list(struct tree *tree)
{
	struct cbor *cbor = &tree->cbor;
	size_t count = cbor_array(cbor, 3, "submods");

	if (count < 2)
		cbor_fail(cbor, TOBI_E_MALFORMED, "submods");
	else if (cbor_peek(cbor) == CBOR_TEXT)
		put_record(tree, text_json(cbor_text(cbor, NAME_MAX_SIZE, "submods")),
			   count);
	else if (cbor_peek(cbor) == CBOR_UINT)
		put_record(
		    tree,
		    json_integer((json_int_t)cbor_uint_max(cbor, UINT16_MAX, "submods")),
		    count);
	else
		put_digest(tree, count);
}

/* A content format's tag, over bytes or over the item itself: a record of it. */
static void put_tagged(struct tree *tree, uint64_t format)
{
	struct cbor *cbor = &tree->cbor;
	struct tobi_bytes value = cbor_peek(cbor) == CBOR_BYTES
				      ? cbor_bytes(cbor, LIMIT_TOKEN, "submods")
				      : cbor_skip(cbor, "submods");

	put(tree, json_pack("[I, o]", (json_int_t)format,
			    json_base64url(value, 2 * LIMIT_EVIDENCE)));
}

/* A submodule that is no claims-set, in the form of JSON. */
static void put_submodule(struct tree *tree, enum cbor_kind kind)
{
	struct cbor *cbor = &tree->cbor;

	switch (kind) {
	case CBOR_BYTES:
		put(tree,
		    json_pack("[s, o]", "CBOR",
			      json_base64url(cbor_bytes(cbor, LIMIT_TOKEN, "submods"),
					     2 * LIMIT_EVIDENCE)));
		return;
	case CBOR_TEXT:
		put_selector(tree, cbor_text(cbor, LIMIT_TOKEN, "submods"));
		return;
	case CBOR_ARRAY:
		put_list(tree);
		return;
	default:
		cbor_fail(cbor, TOBI_E_MALFORMED, "submods");
	}
}

static void read_value(struct tree *tree)
{
	struct cbor *cbor = &tree->cbor;
	struct frame *frame = &tree->frames[tree->depth - 1];
	enum cbor_kind kind = cbor_peek(cbor);

	/* A tag says how to look at what follows; it is the same value. */
	if (kind == CBOR_TAG) {
		uint64_t format = cmw_format_of(cbor_tag(cbor, "tag"));

		/* Of a submodule, or in a collection in the place of one. */
		if ((frame->context == SUBMODS || frame->context == CLAIMS) &&
		    frame->is_map && format != UINT64_MAX && !cbor_failed(cbor)) {
			put_tagged(tree, format);
			return;
		}
		kind = cbor_peek(cbor);
	}
	if (frame->context == SUBMODS && frame->is_map && kind != CBOR_MAP) {
		put_submodule(tree, kind);
		return;
	}
	switch (kind) {
	case CBOR_UINT:
	case CBOR_NEGATIVE:
		put(tree, json_integer(cbor_int(cbor, "number")));
		return;
	case CBOR_BYTES:
		put(tree, json_base64url(cbor_bytes(cbor, LIMIT_EVIDENCE, "bytes"),
					 2 * LIMIT_EVIDENCE));
		return;
	case CBOR_TEXT:
		put(tree, text_json(cbor_text(cbor, LIMIT_EVIDENCE, "text")));
		return;
	case CBOR_BOOL:
		put(tree, json_boolean(cbor_bool(cbor, "boolean")));
		return;
	case CBOR_NULL:
		cbor_null(cbor, "null");
		put(tree, json_null());
		return;
	case CBOR_MAP:
		open_map(tree);
		return;
	case CBOR_ARRAY:
		open_array(tree);
		return;
	default:
		cbor_fail(cbor, TOBI_E_MALFORMED, "value");
	}
}

static bool read_key(struct tree *tree, struct frame *frame)
{
	struct cbor *cbor = &tree->cbor;
	const struct name *name;
	struct tobi_bytes text = {0};
	int64_t key = 0;

	tree->inside = frame->context == SUBMODS ? CLAIMS : VALUE;
	if (frame->map.left && cbor_peek(cbor) == CBOR_TEXT) {
		if (!cbor_map_text(cbor, &frame->map, &text, "key"))
			return false;
		if (text.size >= sizeof(tree->key))
			cbor_fail(cbor, TOBI_E_LIMIT, "key");
		snprintf(tree->key, sizeof(tree->key), "%.*s", (int)text.size,
			 (const char *)text.ptr);
		return !cbor_failed(cbor);
	}
	if (!cbor_map_int(cbor, &frame->map, &key, "key"))
		return false;
	name = name_of(frame->context, key);
	if (name)
		tree->inside = name->inside;
	if (frame->context == VECTOR && key >= 0 && key < AR4SI_CLAIMS)
		snprintf(tree->key, sizeof(tree->key), "%s", vector_names[key]);
	else if (name)
		snprintf(tree->key, sizeof(tree->key), "%s", name->name);
	else
		snprintf(tree->key, sizeof(tree->key), "%" PRId64, key);
	return !cbor_failed(cbor);
}

static void rename_value(json_t *key, const char *member, const char *const *texts,
			 size_t count)
{
	json_t *value = json_object_get(key, member);
	json_int_t number = json_integer_value(value);

	if (json_is_integer(value) && number > 0 && (size_t)number <= count &&
	    texts[number - 1])
		json_object_set_new(key, member, json_string(texts[number - 1]));
}

/* COSE's numbers of a key as JOSE's names. RSA has its members under the numbers of
 * others: n is -1, e is -2. */
static void finish_key(json_t *key)
{
	static const char *const types[] = {"OKP", "EC", "RSA"};
	static const char *const curves[] = {"P-256", "P-384", "P-521",
					     NULL,    NULL,    "Ed25519"};
	json_t *crv = json_object_get(key, "crv"), *x = json_object_get(key, "x");

	rename_value(key, "kty", types, 3);
	if (json_is_string(crv)) {
		json_object_set(key, "n", crv);
		if (x)
			json_object_set(key, "e", x);
		json_object_del(key, "crv");
		json_object_del(key, "x");
		return;
	}
	rename_value(key, "crv", curves, 6);
}

/* The next item of the innermost container, or its end. */
static void step(struct tree *tree)
{
	struct frame *frame = &tree->frames[tree->depth - 1];
	struct cbor *cbor = &tree->cbor;
	bool more = frame->is_map ? read_key(tree, frame) : frame->left > 0;

	if (cbor_failed(cbor))
		return;
	if (!more) {
		if (frame->is_map && frame->context == KEY)
			finish_key(frame->container);
		tree->depth--;
		return;
	}
	if (!frame->is_map) {
		frame->left--;
		tree->inside = VALUE;
	}
	read_value(tree);
}

enum tobi_err claims_tree_read(struct tobi_bytes bytes, const char *object,
			       json_t **ret_tree, struct tobi_fault *fault)
{
	struct tree tree = {.cbor = cbor_init(bytes, CBOR_PREFERRED), .depth = 1};
	json_t *root = json_object();
	enum tobi_err err;

	if (!root)
		return fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	tree.frames[0] = (struct frame){.container = root, .is_map = true};
	tree.frames[0].context = CLAIMS;
	tree.frames[0].map = cbor_map(&tree.cbor, ENTRIES_MAX, "claims");
	while (tree.depth && !tree.no_memory && !cbor_failed(&tree.cbor))
		step(&tree);
	err = cbor_finish(&tree.cbor, object, fault);
	if (!err && tree.no_memory)
		err = fault_set(fault, TOBI_E_MEMORY, object, "", "out of memory");
	if (err)
		json_decref(root);
	else
		*ret_tree = root;
	return err;
}
