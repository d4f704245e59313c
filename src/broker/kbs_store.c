#include "broker/kbs_store.h"

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/fault.h"
#include "base/reader.h"
#include "base/secret.h"
#include "broker/row_seal.h"
#include "pki/key.h"

static const char object[] = "session";

/* One in 64 of what is added looks for what is over; ids end in random bytes. */
enum { TRIM_BELOW = 4, SESSIONS_MAX = 100000, PIECES_MAX = 2 * LIMIT_KBS_BODY };

const char *const schema_kbs[] = {
    "CREATE TABLE kbs_sessions (id TEXT PRIMARY KEY, expires BIGINT NOT NULL, size "
    "BIGINT NOT NULL, nonce "
    "BYTEA NOT NULL, device_nonce BYTEA NOT NULL, evidence BYTEA NOT NULL, pieces BYTEA "
    "NOT NULL, config_unknown BIGINT NOT NULL, jwk TEXT NOT NULL, token TEXT NOT NULL, "
    "denials BIGINT NOT NULL)",
    "CREATE INDEX kbs_sessions_expires ON kbs_sessions (expires)", NULL};
/* What was handed in decides to whose key a secret goes: mac, row_seal.h. Sessions that
 * are open are begun anew. */
const char *const schema_kbs_mac[] = {
    "DELETE FROM kbs_sessions",
    "ALTER TABLE kbs_sessions ADD COLUMN mac BYTEA",
    NULL,
};

DEFINE_CLEANUP(struct db_conn *, db_give)

static struct db_value text_value(struct tobi_bytes bytes)
{
	return (struct db_value){.kind = DB_TEXT, .bytes = bytes};
}

/* ---- pieces in one value: each with its size ---- */

static void write_pieces(const struct kbs_kept *kept, struct writer *out)
{
	for (size_t i = 0; i < kept->piece_count; i++) {
		wr_uint_be(out, kept->pieces[i].size, 4);
		wr_bytes(out, kept->pieces[i].ptr, kept->pieces[i].size);
	}
}

static enum tobi_err read_pieces(struct tobi_bytes bytes, struct kbs_kept *kept,
				 struct tobi_fault *fault)
{
	struct reader rd = rd_init(bytes);

	while (rd_left(&rd) && !rd_failed(&rd)) {
		if (kept->piece_count == LIMIT_PIECES)
			rd_fail(&rd, TOBI_E_LIMIT, "pieces");
		else
			kept->pieces[kept->piece_count++] =
			    rd_bytes(&rd, rd_u32be(&rd, "pieces"), "pieces");
	}
	return rd_finish(&rd, object, fault);
}

/* ---- what was written by a broker of these keys ---- */

/* All that a release rests on. */
struct sealed {
	const struct kbs_session *session;
	int64_t expires;
	bool config_unknown;
	struct tobi_bytes nonce, device_nonce, evidence, pieces, jwk, token;
};

enum { SEALED_PARTS = 5, SEALED_HASHED = 4 };

/* With check: whether mac is its. */
static enum tobi_err seal(const struct broker *broker, const struct sealed *row,
			  bool check, uint8_t mac[static ROW_SEAL_SIZE],
			  struct tobi_fault *fault)
{
	const struct tobi_bytes large[SEALED_HASHED] = {row->evidence, row->pieces,
							row->jwk, row->token};
	uint8_t fixed[9], hashes[SEALED_HASHED][SHA256_SIZE];
	const struct tobi_bytes parts[SEALED_PARTS] = {
	    bytes_of_text(row->session->text),
	    row->nonce,
	    row->device_nonce,
	    {fixed, sizeof(fixed)},
	    {hashes[0], sizeof(hashes)},
	};

	store_be(fixed, 8, (uint64_t)row->expires);
	fixed[8] = row->config_unknown;
	for (size_t i = 0; i < SEALED_HASHED; i++) {
		if (hash_sha256(large[i], hashes[i]))
			return fault_openssl(fault, object, "", "cannot hash");
	}
	return check ? row_seal_check(broker, "kbs_sessions", parts, SEALED_PARTS,
				      (struct tobi_bytes){mac, ROW_SEAL_SIZE}, fault)
		     : row_seal(broker, "kbs_sessions", parts, SEALED_PARTS, mac, fault);
}

/* ---- what is over, and what is too much ---- */

struct count {
	int64_t rows, bytes;
};

/* A sum of none is NULL; PostgreSQL's is a number without a limit, cast back. */
static enum tobi_err take_count(void *context, const struct db_value *values,
				size_t count, struct tobi_fault *fault)
{
	struct count *found = context;

	if (count != 2)
		return fault_set(fault, TOBI_E_MALFORMED, object, "", "columns differ");
	found->rows = values[0].kind == DB_INTEGER ? values[0].integer : 0;
	found->bytes = values[1].kind == DB_INTEGER ? values[1].integer : 0;
	return TOBI_OK;
}

/* How many of the oldest have to go: a quarter, while all together are too large. */
static int64_t excess(const struct broker *broker, const struct count *found)
{
	const int64_t most = broker->setup.sessions ? (int64_t)broker->setup.sessions
						    : (int64_t)SESSIONS_MAX;

	if (found->rows >= most)
		return found->rows - most + 1;
	return found->bytes > LIMIT_KBS_KEPT && found->rows ? found->rows / 4 + 1 : 0;
}

/* A broker whose clock is ahead takes nothing away from one whose clock is not. */
static enum tobi_err trim(struct broker *broker, struct db_conn *conn, int64_t now,
			  struct tobi_fault *fault)
{
	const struct db_value over = db_integer(now - KBS_CLOCKS_SECONDS);
	enum tobi_err err = db_run(conn, "DELETE FROM kbs_sessions WHERE expires <= ?",
				   &over, 1, NULL, NULL, NULL, fault);

	while (!err) {
		struct count found = {0};
		struct db_value many;

		err = db_run(conn,
			     "SELECT COUNT(*), CAST(SUM(size) AS BIGINT) FROM "
			     "kbs_sessions",
			     NULL, 0, take_count, &found, NULL, fault);
		many = db_integer(excess(broker, &found));
		if (err || !many.integer)
			break;
		err = db_run(conn,
			     "DELETE FROM kbs_sessions WHERE id IN (SELECT id FROM "
			     "kbs_sessions ORDER BY expires LIMIT ?)",
			     &many, 1, NULL, NULL, NULL, fault);
	}
	return err;
}

/* ---- adding, finding ---- */

/* A session that is lost with the machine's power is attested anew. */
static enum tobi_err insert(struct db_conn *conn, const struct kbs_session *session,
			    const struct kbs_kept *kept, struct tobi_bytes pieces,
			    struct tobi_bytes mac, struct tobi_fault *fault)
{
	const size_t size =
	    kept->evidence.size + pieces.size + kept->jwk.size + kept->token.size;
	const struct db_value values[] = {
	    db_text(session->text),
	    db_integer(kept->expires),
	    db_integer((int64_t)size),
	    db_bytes(kept->nonce),
	    db_bytes(kept->device_nonce),
	    db_bytes(kept->evidence),
	    db_bytes(pieces),
	    db_integer(kept->config_unknown),
	    text_value(kept->jwk),
	    text_value(kept->token),
	    db_bytes(mac),
	};

	return db_run_unsynced(
	    conn,
	    "INSERT INTO kbs_sessions (id, expires, size, nonce, device_nonce, "
	    "evidence, pieces, config_unknown, jwk, token, mac, denials) VALUES "
	    "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
	    values, sizeof(values) / sizeof(values[0]), NULL, NULL, NULL, fault);
}

enum tobi_err kbs_store_add(struct broker *broker, const struct kbs_session *session,
			    const struct kbs_kept *kept, int64_t now,
			    struct tobi_fault *fault)
{
	CLEANUP(wr_done) struct writer pieces = wr_init(PIECES_MAX);
	CLEANUP(db_givep) struct db_conn *conn = NULL;
	struct sealed row = {session,	  kept->expires,      kept->config_unknown,
			     kept->nonce, kept->device_nonce, kept->evidence,
			     {0},	  kept->jwk,	      kept->token};
	uint8_t mac[ROW_SEAL_SIZE];
	enum tobi_err err;

	write_pieces(kept, &pieces);
	if (wr_err(&pieces))
		return fault_set(fault, wr_err(&pieces), object, "pieces", "no room");
	row.pieces = wr_view(&pieces);
	err = seal(broker, &row, false, mac, fault);
	if (!err)
		err = db_take(broker->db, &conn, fault);
	if (!err && session->id[KBS_SESSION_SIZE - 1] < TRIM_BELOW)
		err = trim(broker, conn, now, fault);
	return err ? err
		   : insert(conn, session, kept, wr_view(&pieces),
			    (struct tobi_bytes){mac, sizeof(mac)}, fault);
}

struct found {
	struct arena *arena;
	struct kbs_kept kept;
	struct tobi_bytes pieces;
	uint8_t mac[ROW_SEAL_SIZE]; /* zeros: it has none */
	bool any;
};

enum { COLUMNS = 10 };

static enum tobi_err take_row(void *context, const struct db_value *values, size_t count,
			      struct tobi_fault *fault)
{
	struct found *found = context;
	struct kbs_kept *kept = &found->kept;
	struct tobi_bytes *const parts[COLUMNS] = {
	    NULL,	    &kept->nonce, &kept->device_nonce, &kept->evidence,
	    &found->pieces, NULL,	  &kept->jwk,	       &kept->token,
	    NULL,	    NULL};

	if (count != COLUMNS)
		return fault_set(fault, TOBI_E_MALFORMED, object, "", "columns differ");
	for (size_t i = 0; i < COLUMNS; i++) {
		if (!parts[i])
			continue;
		*parts[i] = arena_copy(found->arena, values[i].bytes);
		if (!parts[i]->ptr)
			return fault_set(fault, TOBI_E_MEMORY, object, "",
					 "out of memory");
	}
	kept->expires = values[0].integer;
	kept->config_unknown = values[5].integer != 0;
	kept->denials = values[8].integer;
	if (values[9].bytes.size == sizeof(found->mac))
		bytes_copy(found->mac, sizeof(found->mac), values[9].bytes.ptr,
			   sizeof(found->mac));
	found->any = true;
	return TOBI_OK;
}

enum tobi_err kbs_store_find(struct broker *broker, const struct kbs_session *session,
			     int64_t now, struct arena *arena, struct kbs_kept *ret_kept,
			     struct tobi_fault *fault)
{
	CLEANUP(db_givep) struct db_conn *conn = NULL;
	const struct db_value id = db_text(session->text);
	struct found found = {.arena = arena};
	struct sealed row;
	enum tobi_err err = db_take(broker->db, &conn, fault);

	if (!err)
		err = db_run(conn,
			     "SELECT expires, nonce, device_nonce, evidence, pieces, "
			     "config_unknown, jwk, token, denials, mac FROM "
			     "kbs_sessions WHERE id = ?",
			     &id, 1, take_row, &found, NULL, fault);
	if (err)
		return err;
	if (!found.any || found.kept.expires <= now)
		return fault_set(fault, TOBI_E_NOT_FOUND, object, "",
				 "it was not attested, or is over");
	row = (struct sealed){
	    session,	      found.kept.expires,      found.kept.config_unknown,
	    found.kept.nonce, found.kept.device_nonce, found.kept.evidence,
	    found.pieces,     found.kept.jwk,	       found.kept.token};
	err = seal(broker, &row, true, found.mac, fault);
	if (!err)
		err = read_pieces(found.pieces, &found.kept, fault);
	if (!err)
		*ret_kept = found.kept;
	return err;
}

enum tobi_err kbs_store_count_denial(struct broker *broker,
				     const struct kbs_session *session,
				     struct tobi_fault *fault)
{
	CLEANUP(db_givep) struct db_conn *conn = NULL;
	const struct db_value id = db_text(session->text);
	enum tobi_err err = db_take(broker->db, &conn, fault);

	return err ? err
		   : db_run(conn,
			    "UPDATE kbs_sessions SET denials = denials + 1 WHERE id = ?",
			    &id, 1, NULL, NULL, NULL, fault);
}
