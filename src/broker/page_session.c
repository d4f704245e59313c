#include "broker/page_session.h"

#include <string.h>

#include <openssl/rand.h>

#include "base/endian.h"
#include "base/fault.h"
#include "base/secret.h"
#include "broker/owners.h"
#include "broker/page_form.h"
#include "broker/row_seal.h"
#include "broker/store.h"
#include "codec/base64.h"

enum {
	RANDOM_SIZE = 32,
	/* A session that is in use is written to no oftener. */
	TOUCH_SECONDS = 60,
	PARTS = 3,
};

#define LOGIN_TABLE "page_login"
#define SESSION_TABLE "page_session"

static enum tobi_err deny(const char *why, struct tobi_fault *fault)
{
	return fault_set(fault, TOBI_E_DENIED, "page", "session", "%s", why);
}

/* ---- tokens ---- */

static enum tobi_err write_token(const uint8_t *bytes,
				 char ret_text[static PAGE_TOKEN_TEXT + 1],
				 struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(PAGE_TOKEN_TEXT);

	base64url_write(&text, (struct tobi_bytes){bytes, RANDOM_SIZE});
	if (wr_err(&text) || text.size != PAGE_TOKEN_TEXT)
		return fault_set(fault, TOBI_E_MEMORY, "page", "token", "out of memory");
	bytes_copy(ret_text, PAGE_TOKEN_TEXT, text.ptr, text.size);
	ret_text[PAGE_TOKEN_TEXT] = 0;
	return TOBI_OK;
}

static enum tobi_err new_token(char ret_text[static PAGE_TOKEN_TEXT + 1],
			       struct tobi_fault *fault)
{
	uint8_t bytes[RANDOM_SIZE];
	enum tobi_err err =
	    RAND_bytes(bytes, sizeof(bytes)) == 1
		? write_token(bytes, ret_text, fault)
		: fault_set(fault, TOBI_E_CRYPTO, "page", "token", "no random numbers");

	explicit_bzero(bytes, sizeof(bytes));
	return err;
}

static bool is_token(const char *text)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

	return strnlen(text, PAGE_TOKEN_TEXT + 1) == PAGE_TOKEN_TEXT &&
	       text[strspn(text, letters)] == 0;
}

/* Of a token for a purpose: what is a cookie is no login, and neither is a form's. */
static enum tobi_err hash_token(const char *purpose, const char *token,
				uint8_t ret_hash[static SHA256_SIZE],
				struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer text = wr_init(128);

	wr_printf(&text, "tobichi %s %s", purpose, token);
	if (wr_err(&text) || hash_sha256(wr_view(&text), ret_hash))
		return fault_set(fault, TOBI_E_CRYPTO, "page", "token",
				 "it cannot be hashed");
	return TOBI_OK;
}

/* ---- rows ---- */

/* Either table's: time is when it ends, or when it was made. */
struct row {
	uint8_t hash[SHA256_SIZE], key[PRINCIPAL_ID_SIZE], mac[ROW_SEAL_SIZE];
	int64_t time, used;
	bool there;
};

static struct tobi_bytes view(const uint8_t *bytes, size_t size)
{
	return (struct tobi_bytes){bytes, size};
}

static void parts_of(const struct row *row, uint8_t time[static 8],
		     struct tobi_bytes parts[static PARTS])
{
	store_be(time, 8, (uint64_t)row->time);
	parts[0] = view(row->hash, sizeof(row->hash));
	parts[1] = view(row->key, sizeof(row->key));
	parts[2] = view(time, 8);
}

static enum tobi_err seal(struct broker *broker, const char *table, struct row *row,
			  struct tobi_fault *fault)
{
	struct tobi_bytes parts[PARTS];
	uint8_t time[8];

	parts_of(row, time, parts);
	return row_seal(broker, table, parts, PARTS, row->mac, fault);
}

static enum tobi_err check_seal(struct broker *broker, const char *table,
				const struct row *row, struct tobi_fault *fault)
{
	struct tobi_bytes parts[PARTS];
	uint8_t time[8];

	parts_of(row, time, parts);
	return row_seal_check(broker, table, parts, PARTS, view(row->mac, ROW_SEAL_SIZE),
			      fault);
}

/* key_id, time, mac, and of a session when it was used. */
static enum tobi_err take_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	struct row *row = context;
	enum tobi_err err = store_bytes(&values[0], row->key, sizeof(row->key), fault);

	if (!err)
		err = store_bytes(&values[2], row->mac, sizeof(row->mac), fault);
	row->time = store_integer(&values[1]);
	row->used = count > 3 ? store_integer(&values[3]) : 0;
	row->there = !err;
	return err;
}

/* ---- a token that logs in ---- */

struct making {
	struct row row;
	int64_t now;
};

/* Those that nobody uses any more go first. */
static enum tobi_err insert_login(struct db_conn *conn, void *context,
				  struct tobi_fault *fault)
{
	struct making *making = context;
	const struct row *row = &making->row;
	const struct db_value now = db_integer(making->now);
	const struct db_value values[] = {db_bytes(view(row->hash, sizeof(row->hash))),
					  db_bytes(view(row->key, sizeof(row->key))),
					  db_integer(row->time),
					  db_bytes(view(row->mac, sizeof(row->mac)))};
	int64_t waiting = 0;
	enum tobi_err err = db_run(conn, "DELETE FROM page_login WHERE expires <= ?",
				   &now, 1, NULL, NULL, NULL, fault);

	if (!err)
		err = db_run(conn, "SELECT COUNT(*) FROM page_login WHERE key_id = ?",
			     &values[1], 1, store_take_count, &waiting, NULL, fault);
	if (!err && waiting >= LIMIT_PAGE_LOGINS)
		err = fault_set(fault, TOBI_E_LIMIT, "page", "login",
				"%d tokens wait to be used already", LIMIT_PAGE_LOGINS);
	return err ? err
		   : db_run(conn,
			    "INSERT INTO page_login (hash, key_id, expires, mac) "
			    "VALUES (?, ?, ?, ?)",
			    values, STORE_COUNT(values), NULL, NULL, NULL, fault);
}

enum tobi_err page_login_make(struct broker *broker, const struct principal *who,
			      int64_t now, char ret_token[static PAGE_TOKEN_TEXT + 1],
			      struct tobi_fault *fault)
{
	struct making making = {.row.time = now + PAGE_LOGIN_SECONDS, .now = now};
	char token[PAGE_TOKEN_TEXT + 1];
	enum tobi_err err = new_token(token, fault);

	bytes_copy(making.row.key, sizeof(making.row.key), who->id, sizeof(who->id));
	if (!err)
		err = hash_token("login", token, making.row.hash, fault);
	if (!err)
		err = seal(broker, LOGIN_TABLE, &making.row, fault);
	if (!err)
		err = store_apply(broker->db, insert_login, &making, fault);
	if (!err)
		bytes_copy(ret_token, PAGE_TOKEN_TEXT + 1, token, sizeof(token));
	explicit_bzero(token, sizeof(token));
	return err;
}

/* ---- a session ---- */

struct using
{
	struct broker *broker;
	uint8_t login[SHA256_SIZE];
	struct row session;
	int64_t now;
};

/* Of several that use it at once, one finds the row. */
static enum tobi_err take_login(struct db_conn *conn, const struct using *using,
				uint8_t ret_key[static PRINCIPAL_ID_SIZE],
				struct tobi_fault *fault)
{
	const struct db_value hash = db_bytes(view(using->login, sizeof(using->login)));
	struct row row = {0};
	enum tobi_err err =
	    db_run(conn, "SELECT key_id, expires, mac FROM page_login WHERE hash = ?",
		   &hash, 1, take_row, &row, NULL, fault);

	if (!err && row.there)
		err = db_run(conn, "DELETE FROM page_login WHERE hash = ?", &hash, 1,
			     NULL, NULL, NULL, fault);
	if (!err && (!row.there || row.time <= using->now))
		err = deny("it is none, was used, or is too old", fault);
	bytes_copy(row.hash, sizeof(row.hash), using->login, sizeof(using->login));
	if (!err)
		err = check_seal(using->broker, LOGIN_TABLE, &row, fault);
	if (!err)
		bytes_copy(ret_key, PRINCIPAL_ID_SIZE, row.key, sizeof(row.key));
	return err;
}

static enum tobi_err make_room(struct db_conn *conn, const struct using *using,
			       struct tobi_fault *fault)
{
	const struct db_value old[] = {db_integer(using->now - PAGE_SESSION_SECONDS),
				       db_integer(using->now - PAGE_IDLE_SECONDS)};
	const struct db_value key = db_bytes(view(using->session.key, PRINCIPAL_ID_SIZE));
	const struct db_value most[] = {key, key, db_integer(LIMIT_PAGE_SESSIONS - 1)};
	enum tobi_err err =
	    db_run(conn, "DELETE FROM page_session WHERE created <= ? OR used <= ?", old,
		   STORE_COUNT(old), NULL, NULL, NULL, fault);

	return err ? err
		   : db_run(conn,
			    "DELETE FROM page_session WHERE key_id = ? AND hash NOT IN "
			    "(SELECT hash FROM page_session WHERE key_id = ? "
			    "ORDER BY created DESC, hash LIMIT ?)",
			    most, STORE_COUNT(most), NULL, NULL, NULL, fault);
}

static enum tobi_err change_login(struct db_conn *conn, void *context,
				  struct tobi_fault *fault)
{
	struct using *using = context;
	struct row *row = &using->session;
	struct db_value values[5];
	enum tobi_err err = take_login(conn, using, row->key, fault);

	if (!err)
		err = make_room(conn, using, fault);
	if (!err)
		err = seal(using->broker, SESSION_TABLE, row, fault);
	if (err)
		return err;
	values[0] = db_bytes(view(row->hash, sizeof(row->hash)));
	values[1] = db_bytes(view(row->key, sizeof(row->key)));
	values[2] = db_integer(row->time);
	values[3] = db_integer(row->time);
	values[4] = db_bytes(view(row->mac, sizeof(row->mac)));
	return db_run(conn,
		      "INSERT INTO page_session (hash, key_id, created, used, mac) "
		      "VALUES (?, ?, ?, ?, ?)",
		      values, STORE_COUNT(values), NULL, NULL, NULL, fault);
}

enum tobi_err page_login_use(struct broker *broker, const char *token, int64_t now,
			     struct principal *ret_who,
			     char ret_cookie[static PAGE_TOKEN_TEXT + 1],
			     struct tobi_fault *fault)
{
	struct using using = {.broker = broker, .session.time = now, .now = now};
	char cookie[PAGE_TOKEN_TEXT + 1];
	enum tobi_err err;

	if (!is_token(token))
		return deny("it is no token", fault);
	err = hash_token("login", token, using.login, fault);
	if (!err)
		err = new_token(cookie, fault);
	if (!err)
		err = hash_token("session", cookie, using.session.hash, fault);
	if (!err)
		err = store_apply(broker->db, change_login, &using, fault);
	if (!err)
		err = owner_by_key(broker, using.session.key, ret_who, NULL, fault);
	if (err == TOBI_E_NOT_FOUND)
		err = deny("the key that has asked for it is nobody's any more", fault);
	if (!err)
		bytes_copy(ret_cookie, PAGE_TOKEN_TEXT + 1, cookie, sizeof(cookie));
	explicit_bzero(cookie, sizeof(cookie));
	return err;
}

/* ---- who looks ---- */

static enum tobi_err touch(struct broker *broker, const struct row *row, int64_t now,
			   struct tobi_fault *fault)
{
	const struct db_value values[] = {db_integer(now),
					  db_bytes(view(row->hash, sizeof(row->hash)))};

	if (now - row->used < TOUCH_SECONDS)
		return TOBI_OK;
	return store_run(broker->db, "UPDATE page_session SET used = ? WHERE hash = ?",
			 values, STORE_COUNT(values), NULL, NULL, NULL, fault);
}

static enum tobi_err set_form(struct page_session *session, struct tobi_fault *fault)
{
	uint8_t hash[SHA256_SIZE];
	enum tobi_err err = hash_token("form", session->token, hash, fault);

	return err ? err : write_token(hash, session->form, fault);
}

static enum tobi_err by_cookie(struct broker *broker,
			       const struct broker_request *request,
			       struct page_session *session, struct tobi_fault *fault)
{
	struct row row = {0};
	struct db_value hash;
	enum tobi_err err = hash_token("session", session->token, row.hash, fault);

	hash = db_bytes(view(row.hash, sizeof(row.hash)));
	if (!err)
		err = store_run(broker->db,
				"SELECT key_id, created, mac, used FROM page_session "
				"WHERE hash = ?",
				&hash, 1, take_row, &row, NULL, fault);
	if (err)
		return err;
	if (!row.there || request->now - row.time >= PAGE_SESSION_SECONDS ||
	    request->now - row.used >= PAGE_IDLE_SECONDS)
		return deny("the session has ended", fault);
	err = check_seal(broker, SESSION_TABLE, &row, fault);
	if (!err)
		err = owner_by_key(broker, row.key, &session->who, NULL, fault);
	if (err == TOBI_E_NOT_FOUND)
		return deny("the key that has logged in is nobody's any more", fault);
	if (!err)
		err = touch(broker, &row, request->now, fault);
	if (!err)
		err = set_form(session, fault);
	session->by_cookie = true;
	return err;
}

enum tobi_err page_session_find(struct broker *broker,
				const struct broker_request *request,
				struct page_session *ret_session,
				struct tobi_fault *fault)
{
	struct page_session session = {0};
	char value[LIMIT_PAGE_VALUE + 1];
	enum tobi_err err = TOBI_E_DENIED;

	/* Never in the clear: whoever listens would have the cookie. */
	if (!request->secure)
		return deny("this channel is not secure", fault);
	if (page_cookie_read(request->header(request, "cookie"), PAGE_COOKIE, value) &&
	    is_token(value)) {
		bytes_copy(session.token, sizeof(session.token), value,
			   PAGE_TOKEN_TEXT + 1);
		err = by_cookie(broker, request, &session, fault);
	}
	if (err == TOBI_E_DENIED && request->client_key) {
		session = (struct page_session){0};
		err =
		    owner_by_key(broker, request->client_key, &session.who, NULL, fault);
		if (err == TOBI_E_NOT_FOUND)
			err = TOBI_E_DENIED;
	}
	if (err == TOBI_E_DENIED)
		return deny("nobody is logged in", fault);
	if (!err)
		*ret_session = session;
	return err;
}

enum tobi_err page_session_end(struct broker *broker, const struct page_session *session,
			       struct tobi_fault *fault)
{
	uint8_t bytes[SHA256_SIZE];
	struct db_value hash;
	enum tobi_err err = hash_token("session", session->token, bytes, fault);

	hash = db_bytes(view(bytes, sizeof(bytes)));
	return err ? err
		   : store_run(broker->db, "DELETE FROM page_session WHERE hash = ?",
			       &hash, 1, NULL, NULL, NULL, fault);
}
