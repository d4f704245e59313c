/* A keyring over any provider: what must hold with each of them. */
#ifndef TESTS_KEY_WORLD_H
#define TESTS_KEY_WORLD_H

#include "broker/keyring.h"
#include "tests/db_world.h"

/* Makes the tables and the first store key, and opens. */
struct keyring *key_world_make(const char *place, const char *pin_file);
enum tobi_err key_world_open(const char *place, const char *pin_file,
			     struct keyring **ret_keyring);
/* Seals with one, rotates, and opens with another that was opened in between; nothing of
 * the plain text is in the table. */
void key_world_round(struct keyring *keyring, const char *place, const char *pin_file);
/* Each row in turn: cut, and with one bit changed, it opens nothing. */
void key_world_damage(const char *place, const char *pin_file);

#endif
