#include "tee/eat_submods.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/secret.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "tee/eat_wrapped.h"
#include "tee/token_signer.h"
#include "token/claims_tree.h"

static const char object[] = "token";

enum { TAG_BUNDLE = 602, BUNDLE_HEAD = 3, SETS_MAX = EAT_SUBMODS_MAX + 1 };

/* ---- bundles ---- */

static bool is_tagged(struct tobi_bytes bytes)
{
	static const uint8_t head[BUNDLE_HEAD] = {0xd9, TAG_BUNDLE >> 8,
						  TAG_BUNDLE & 0xff};

	return bytes.size > BUNDLE_HEAD && memcmp(bytes.ptr, head, BUNDLE_HEAD) == 0;
}

/* An array that begins with one: the selector of the main token. */
static bool is_json_bundle(struct tobi_bytes bytes)
{
	static const uint8_t blanks[] = {' ', '\t', '\r', '\n'};
	size_t brackets = 0;

	for (size_t i = 0; i < bytes.size && brackets < 2; i++) {
		if (bytes.ptr[i] == '[')
			brackets++;
		else if (!memchr(blanks, bytes.ptr[i], sizeof(blanks)))
			return false;
	}
	return brackets == 2;
}

bool eat_bundle_is(struct tobi_bytes bytes)
{
	return is_tagged(bytes) || is_json_bundle(bytes);
}

static enum tobi_err read_tagged(struct tobi_bytes bytes, struct eat_bundle *bundle,
				 struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_PREFERRED);
	struct tobi_bytes name;
	struct cbor_map map;

	cbor_tag(&cbor, "bundle");
	if (cbor_array(&cbor, 2, "bundle") != 2)
		cbor_fail(&cbor, TOBI_E_MALFORMED, "bundle");
	/* The token itself, or as the bytes of a nested one. */
	if (cbor_peek(&cbor) == CBOR_BYTES)
		bundle->token = cbor_bytes(&cbor, LIMIT_EVIDENCE, "main token");
	else
		bundle->token = cbor_skip(&cbor, "main token");
	map = cbor_map(&cbor, EAT_SUBMODS_MAX, "detached claims-sets");
	while (cbor_map_text(&cbor, &map, &name, "detached claims-sets")) {
		bundle->detached[bundle->count].name = name;
		bundle->detached[bundle->count++].claims =
		    cbor_bytes(&cbor, LIMIT_TOKEN, "detached claims-set");
	}
	return cbor_finish(&cbor, object, fault);
}

/* base64url text, decoded into the arena; empty when it is none. */
static struct tobi_bytes decoded(const json_t *json, struct arena *arena)
{
	const char *text = json_string_value(json);
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_TOKEN);

	if (!text || base64url_read(bytes_of_text(text), object, &bytes, NULL))
		return (struct tobi_bytes){0};
	return arena_copy(arena, wr_view(&bytes));
}

static struct tobi_bytes main_token(const json_t *selector, struct arena *arena)
{
	const char *form = json_string_value(json_array_get(selector, 0));
	const json_t *content = json_array_get(selector, 1);
	const char *text = json_string_value(content);

	if (json_array_size(selector) != 2 || !form || !text)
		return (struct tobi_bytes){0};
	return strcmp(form, "JWT") == 0	   ? arena_copy(arena, bytes_of_text(text))
	       : strcmp(form, "CBOR") == 0 ? decoded(content, arena)
					   : (struct tobi_bytes){0};
}

static enum tobi_err take_json(const json_t *json, struct arena *arena,
			       struct eat_bundle *bundle, struct tobi_fault *fault)
{
	json_t *sets = json_array_get(json, 1), *value;
	const char *name;

	bundle->token = main_token(json_array_get(json, 0), arena);
	if (json_array_size(json) != 2 || !bundle->token.size || !json_is_object(sets))
		return fault_set(fault, TOBI_E_MALFORMED, object, "bundle",
				 "a token and an object of claims-sets are needed");
	if (json_object_size(sets) > EAT_SUBMODS_MAX)
		return fault_set(fault, TOBI_E_LIMIT, object, "bundle",
				 "over %d detached claims-sets", EAT_SUBMODS_MAX);
	json_object_foreach(sets, name, value)
	{
		struct tobi_bytes claims = decoded(value, arena);

		if (!claims.size)
			return fault_set(fault, TOBI_E_MALFORMED, object, "bundle",
					 "a detached claims-set is no base64url");
		bundle->detached[bundle->count].name =
		    arena_copy(arena, bytes_of_text(name));
		bundle->detached[bundle->count++].claims = claims;
	}
	return TOBI_OK;
}

static enum tobi_err read_json(struct tobi_bytes bytes, struct arena *arena,
			       struct eat_bundle *bundle, struct tobi_fault *fault)
{
	json_t *json = NULL;
	enum tobi_err err = json_parse(bytes, LIMIT_JSON, object, &json, fault);

	bundle->is_json = true;
	if (!err)
		err = take_json(json, arena, bundle, fault);
	json_decref(json);
	return err;
}

enum tobi_err eat_bundle_read(struct tobi_bytes bytes, struct arena *arena,
			      struct eat_bundle *ret_bundle, struct tobi_fault *fault)
{
	struct eat_bundle bundle = {.token = bytes, .is_bundle = eat_bundle_is(bytes)};
	enum tobi_err err = TOBI_OK;

	if (is_tagged(bytes))
		err = read_tagged(bytes, &bundle, fault);
	else if (bundle.is_bundle)
		err = read_json(bytes, arena, &bundle, fault);
	if (!err)
		*ret_bundle = bundle;
	return err;
}

/* ---- submodules, as a list: what is found in one is put behind ---- */

struct set {
	json_t *tree; /* owned */
	const char *path;
	unsigned depth;
};

struct walk {
	const struct tee_request *request;
	const struct eat_bundle *bundle;
	struct arena *arena;
	struct eat *eat;
	struct tobi_fault *fault;
	struct set sets[SETS_MAX];
	size_t count;
	enum tobi_err err;
};

static void walk_done(struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		json_decref(walk->sets[i].tree);
}

static void fail(struct walk *walk, enum tobi_err err, const char *what)
{
	if (!walk->err)
		walk->err = fault_set(walk->fault, err, object, "submods", "%s", what);
}

static const char *text_member(struct walk *walk, const json_t *tree, const char *name)
{
	const char *text = json_string_value(json_object_get(tree, name));

	return text ? arena_text(walk->arena, bytes_of_text(text)) : NULL;
}

/* Claims of a submodule: no nonce and nothing else is taken over from around it. */
static void add_set(struct walk *walk, json_t *tree, struct eat_submod *submod,
		    unsigned depth, bool is_json)
{
	struct tobi_fault fault = {0};
	struct eat own;

	submod->profile = text_member(walk, tree, "eat_profile");
	submod->swname = text_member(walk, tree, "swname");
	if (eat_read(tree, is_json, walk->arena, &own, &fault)) {
		/* What nobody has proven may be anything: something else than an EAT,
		 * too. */
		if (submod->proven)
			fail(walk, TOBI_E_MALFORMED, fault.message);
		return;
	}
	if (depth > EAT_DEPTH_MAX || walk->count == SETS_MAX) {
		fail(walk, TOBI_E_LIMIT, "they are too deep or too many");
		return;
	}
	walk->sets[walk->count++] = (struct set){json_incref(tree), submod->path, depth};
}

static void take_token(struct walk *walk, struct tobi_bytes bytes, bool is_jwt,
		       struct eat_submod *submod, unsigned depth)
{
	CLEANUP(signed_token_done) struct signed_token token = {0};

	submod->kind = EAT_TOKEN;
	if (bytes.size > LIMIT_TOKEN || signed_token_read(bytes, object, &token, NULL) ||
	    token.is_jwt != is_jwt) {
		submod->wrong = "it is no token that is known here";
		return;
	}
	submod->proven = signed_token_holds(walk->request, &token);
	submod->wrong = submod->proven ? NULL : "no key that the policy trusts signed it";
	add_set(walk, token.tree, submod, depth, is_jwt);
}

static struct eat_submod *new_submod(struct walk *walk, const char *around,
				     const char *name)
{
	struct eat *eat = walk->eat;
	struct eat_submod *submod = &eat->submods[eat->submod_count];

	if (eat->submod_count == EAT_SUBMODS_MAX) {
		fail(walk, TOBI_E_LIMIT, "there are too many");
		return NULL;
	}
	eat->submod_count++;
	submod->path = around[0] ? arena_printf(walk->arena, "%s/%s", around, name)
				 : arena_printf(walk->arena, "%s", name);
	if (submod->path)
		return submod;
	fail(walk, TOBI_E_MEMORY, "out of memory");
	return NULL;
}

/* A token's signature can be looked at here. Other messages are evidence of another kind,
 * or no evidence: whoever wants them appraised takes them out. */
static void take_record(struct walk *walk, const struct cmw_record *record,
			struct eat_submod *submod, unsigned depth)
{
	bool is_jwt = false;

	submod->kind = EAT_WRAPPED;
	submod->type = eat_wrapped_type(record, walk->arena);
	submod->wrong = "this kind of message is not appraised in a token";
	if (eat_wrapped_token(record, &is_jwt))
		take_token(walk, record->value, is_jwt, submod, depth);
}

/* Of a collection each record is a submodule of its own, too; the whole is proven when
 * all of them are. */
static void take_cmw(struct walk *walk, const struct cmw *cmw, struct eat_submod *submod,
		     unsigned depth)
{
	submod->kind = EAT_WRAPPED;
	if (cmw->alone) {
		take_record(walk, &cmw->records[0], submod, depth);
		return;
	}
	submod->proven = true;
	for (size_t i = 0; i < cmw->count && !walk->err; i++) {
		const char *key = arena_text(walk->arena, cmw->records[i].key);
		struct eat_submod *inner =
		    key ? new_submod(walk, submod->path, key) : NULL;

		if (!inner) {
			fail(walk, TOBI_E_MEMORY, "out of memory");
			return;
		}
		take_record(walk, &cmw->records[i], inner, depth + 1);
		submod->proven &= inner->proven;
	}
	submod->wrong = submod->proven ? NULL : "not all that is in it is proven";
}

static void take_wrapped(struct walk *walk, const json_t *value,
			 struct eat_submod *submod, unsigned depth)
{
	struct cmw cmw;
	enum tobi_err err = eat_wrapped_open(value, walk->arena, &cmw, NULL);

	if (err)
		fail(walk, err == TOBI_E_MEMORY ? err : TOBI_E_MALFORMED,
		     "a wrapper (CMW) cannot be read");
	else
		take_cmw(walk, &cmw, submod, depth);
}

/* ["JWT", text], ["CBOR", base64url]; the second may have a wrapper in it. */
static void take_nested(struct walk *walk, const char *form, struct tobi_bytes text,
			struct eat_submod *submod, unsigned depth)
{
	CLEANUP(wr_done) struct writer bytes = wr_init(LIMIT_TOKEN);
	bool is_jwt = strcmp(form, "JWT") == 0;
	struct cmw cmw;

	if (!is_jwt && base64url_read(text, object, &bytes, NULL)) {
		fail(walk, TOBI_E_MALFORMED, "a nested token is no base64url");
		return;
	}
	take_token(walk, is_jwt ? text : wr_view(&bytes), is_jwt, submod, depth);
	if (!is_jwt && !walk->err && eat_wrapped_starts(wr_view(&bytes)) &&
	    !cmw_open(arena_copy(walk->arena, wr_view(&bytes)), object, walk->arena, &cmw,
		      NULL))
		take_cmw(walk, &cmw, submod, depth);
}

static const char *digest_of(const json_t *algorithm)
{
	static const struct {
		json_int_t number; /* COSE's */
		const char *name, *digest;
	} algorithms[] = {{-16, "SHA-256", "SHA256"},
			  {-43, "SHA-384", "SHA384"},
			  {-44, "SHA-512", "SHA512"}};

	for (size_t i = 0; i < 3; i++) {
		if ((json_is_integer(algorithm) &&
		     json_integer_value(algorithm) == algorithms[i].number) ||
		    (json_is_string(algorithm) &&
		     strcmp(json_string_value(algorithm), algorithms[i].name) == 0))
			return algorithms[i].digest;
	}
	return NULL;
}

static bool is_digest_of(const json_t *digest, struct tobi_bytes claims)
{
	const char *name = digest_of(json_array_get(digest, 0));
	const char *text = json_string_value(json_array_get(digest, 1));
	CLEANUP(wr_done) struct writer expected = wr_init(EVP_MAX_MD_SIZE);
	uint8_t hash[EVP_MAX_MD_SIZE];
	size_t size = 0;

	return name && text &&
	       !base64url_read(bytes_of_text(text), object, &expected, NULL) &&
	       EVP_Q_digest(NULL, name, NULL, claims.ptr, claims.size, hash, &size) ==
		   1 &&
	       bytes_equal(wr_view(&expected), (struct tobi_bytes){hash, size});
}

static enum tobi_err read_detached(const struct eat_bundle *bundle,
				   struct tobi_bytes claims, json_t **ret_tree)
{
	enum tobi_err err;

	if (!bundle->is_json)
		return claims_tree_read(claims, object, ret_tree, NULL);
	err = json_parse(claims, LIMIT_TOKEN, object, ret_tree, NULL);
	return !err && !json_is_object(*ret_tree) ? TOBI_E_MALFORMED : err;
}

static void take_digest(struct walk *walk, const char *name, const json_t *digest,
			struct eat_submod *submod, unsigned depth)
{
	const struct eat_bundle *bundle = walk->bundle;

	submod->kind = EAT_DETACHED;
	submod->wrong = "its claims did not come with the token";
	for (size_t i = 0; i < bundle->count; i++) {
		json_t *tree = NULL;

		if (!bytes_equal_text(bundle->detached[i].name, name))
			continue;
		submod->proven = is_digest_of(digest, bundle->detached[i].claims);
		submod->wrong =
		    submod->proven ? NULL : "its claims are not those of the digest";
		if (!submod->proven)
			return;
		if (read_detached(bundle, bundle->detached[i].claims, &tree))
			fail(walk, TOBI_E_MALFORMED, "a detached claims-set is none");
		else
			add_set(walk, tree, submod, depth, bundle->is_json);
		json_decref(tree);
		return;
	}
}

static void take_selector(struct walk *walk, const char *name, const json_t *value,
			  struct eat_submod *submod, unsigned depth)
{
	const char *form = json_string_value(json_array_get(value, 0));
	const json_t *content = json_array_get(value, 1);
	const char *text = json_string_value(content);

	if (json_array_size(value) != 2 || !form)
		fail(walk, TOBI_E_MALFORMED, "one is neither claims nor a token");
	else if (strcmp(form, "DIGEST") == 0)
		take_digest(walk, name, content, submod, depth);
	else if (text && (strcmp(form, "JWT") == 0 || strcmp(form, "CBOR") == 0))
		take_nested(walk, form, bytes_of_text(text), submod, depth);
	else
		submod->wrong = "it is of a kind that is not known here";
}

static void take_submod(struct walk *walk, const struct set *around, const char *name,
			json_t *value)
{
	struct eat_submod *submod = new_submod(walk, around->path, name);

	if (!submod)
		return;
	if (eat_wrapped_is(value)) {
		take_wrapped(walk, value, submod, around->depth + 1);
	} else if (json_is_object(value)) {
		submod->proven = true;
		add_set(walk, value, submod, around->depth + 1, walk->eat->is_json);
	} else {
		take_selector(walk, name, value, submod, around->depth + 1);
	}
}

/* A wrapper may come as a claim, too: that is a submodule called "cmw". */
static void take_claim(struct walk *walk, const struct set *around)
{
	json_t *claim = json_object_get(around->tree, "cmw");
	struct eat_submod *submod = NULL;

	if (claim)
		submod = new_submod(walk, around->path, "cmw");
	if (submod)
		take_wrapped(walk, claim, submod, around->depth + 1);
}

/* A claims-set that came with no digest in the token is nobody's word. */
static void check_detached(struct walk *walk)
{
	const struct eat_bundle *bundle = walk->bundle;

	for (size_t i = 0; i < bundle->count && !walk->err; i++) {
		bool used = false;

		for (size_t j = 0; j < walk->eat->submod_count; j++) {
			const struct eat_submod *submod = &walk->eat->submods[j];
			const char *last = strrchr(submod->path, '/');

			used |= submod->kind == EAT_DETACHED &&
				bytes_equal_text(bundle->detached[i].name,
						 last ? last + 1 : submod->path);
		}
		if (!used)
			fail(walk, TOBI_E_MALFORMED,
			     "a detached claims-set is not in the token");
	}
}

enum tobi_err eat_submods_examine(const struct tee_request *request, const json_t *tree,
				  const struct eat_bundle *bundle, struct arena *arena,
				  struct eat *eat, struct tobi_fault *fault)
{
	CLEANUP(walk_done)
	struct walk walk = {.request = request,
			    .bundle = bundle,
			    .arena = arena,
			    .eat = eat,
			    .fault = fault};

	walk.sets[walk.count++] = (struct set){json_incref((json_t *)tree), "", 0};
	for (size_t i = 0; i < walk.count && !walk.err; i++) {
		json_t *submods = json_object_get(walk.sets[i].tree, "submods"), *value;
		const char *name;

		take_claim(&walk, &walk.sets[i]);
		json_object_foreach(submods, name, value)
		{
			if (!walk.err)
				take_submod(&walk, &walk.sets[i], name, value);
		}
	}
	check_detached(&walk);
	return walk.err;
}
