/* A leaf for people and their scripts, as JSON: the broker's answers, and what `tobichi
 * log` prints. */
#ifndef TOBI_LOG_LEAF_JSON_H
#define TOBI_LOG_LEAF_JSON_H

#include "codec/json.h"
#include "log/leaf.h"

/* NULL without memory. The salt is left out: the leaf itself has it. */
json_t *log_leaf_json(const struct log_leaf *leaf);

#endif
