/* The file pkcs11.root: where the keys are. The PIN is not in it. */
#include <string.h>

#include "base/fault.h"
#include "base/utf8.h"
#include "codec/cbor.h"
#include "root/pkcs11.h"

#define OBJECT "pkcs11.root"

enum { VERSION = 1 };

static void read_text(struct cbor *cbor, char *out, size_t room, const char *field)
{
	struct tobi_bytes text = cbor_text(cbor, room - 1, field);

	if (cbor_failed(cbor))
		return;
	if (!text.size) {
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
		return;
	}
	bytes_copy(out, room - 1, text.ptr, text.size);
	out[text.size] = 0;
}

static void read_path(struct cbor *cbor, char *out, size_t room, const char *field)
{
	read_text(cbor, out, room, field);
	if (!cbor_failed(cbor) && out[0] != '/')
		cbor_fail(cbor, TOBI_E_MALFORMED, field);
}

static void read_id(struct cbor *cbor, uint8_t *out, const char *field)
{
	struct tobi_bytes id = cbor_bytes_exact(cbor, P11_ID, field);

	if (!cbor_failed(cbor))
		bytes_copy(out, P11_ID, id.ptr, id.size);
}

enum tobi_err p11_place_read(struct tobi_bytes bytes, struct p11_place *ret_place,
			     struct tobi_fault *fault)
{
	struct cbor cbor = cbor_init(bytes, CBOR_DETERMINISTIC);
	struct cbor_map map = cbor_map(&cbor, 7, "map");
	struct p11_place place = {0};
	enum tobi_err err;

	if (cbor_map_expect(&cbor, &map, 0, "version") &&
	    cbor_uint(&cbor, "version") != VERSION)
		cbor_fail(&cbor, TOBI_E_UNSUPPORTED, "version");
	if (cbor_map_expect(&cbor, &map, 1, "module"))
		read_path(&cbor, place.module, sizeof(place.module), "module");
	if (cbor_map_expect(&cbor, &map, 2, "label"))
		read_text(&cbor, place.label, sizeof(place.label), "label");
	if (cbor_map_expect(&cbor, &map, 3, "serial"))
		read_text(&cbor, place.serial, sizeof(place.serial), "serial");
	if (cbor_map_expect(&cbor, &map, 4, "key id"))
		read_id(&cbor, place.key_id, "key id");
	if (cbor_map_expect(&cbor, &map, 5, "seal id"))
		read_id(&cbor, place.seal_id, "seal id");
	if (cbor_map_expect(&cbor, &map, 6, "pin file"))
		read_path(&cbor, place.pin_file, sizeof(place.pin_file), "pin file");
	err = cbor_finish(&cbor, OBJECT, fault);
	if (!err)
		*ret_place = place;
	return err;
}

static bool is_text(const char *text)
{
	return utf8_is_text((struct tobi_bytes){(const uint8_t *)text, strlen(text)});
}

enum tobi_err p11_place_write(const struct p11_place *place, struct writer *out,
			      struct tobi_fault *fault)
{
	if (!is_text(place->module) || !is_text(place->label) ||
	    !is_text(place->serial) || !is_text(place->pin_file))
		return fault_set(fault, TOBI_E_UNSUPPORTED, OBJECT, "",
				 "a path or the token's name has odd bytes in it");
	cbor_write_map(out, 7);
	cbor_write_uint(out, 0);
	cbor_write_uint(out, VERSION);
	cbor_write_uint(out, 1);
	cbor_write_text(out, place->module);
	cbor_write_uint(out, 2);
	cbor_write_text(out, place->label);
	cbor_write_uint(out, 3);
	cbor_write_text(out, place->serial);
	cbor_write_uint(out, 4);
	cbor_write_bytes(out, (struct tobi_bytes){place->key_id, P11_ID});
	cbor_write_uint(out, 5);
	cbor_write_bytes(out, (struct tobi_bytes){place->seal_id, P11_ID});
	cbor_write_uint(out, 6);
	cbor_write_text(out, place->pin_file);
	return wr_err(out);
}
