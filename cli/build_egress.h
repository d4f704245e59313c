/* `tobichi build --egress`. */
#ifndef CLI_BUILD_EGRESS_H
#define CLI_BUILD_EGRESS_H

#include "image/manifest.h"

/* HOST:PORT[=LOCALPORT][,policy=PATH|launch], which is taken apart in place and borrowed;
 * false: it is none, or there are too many. */
bool build_egress(struct manifest *manifest, char *value);
/* What is said of a wrong value: of --client-policy, or of --egress. */
const char *build_egress_form(bool clients);

#endif
