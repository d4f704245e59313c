/* Parts of the pages that explain: one file that loads nothing, without script, for light
 * and dark, narrow and wide. */
#ifndef TOBI_APPRAISE_HTML_H
#define TOBI_APPRAISE_HTML_H

#include "base/writer.h"

/* All text goes through here: no byte from outside reaches the page as markup. Control
 * characters and what is not ASCII become '?'. */
void html_text(struct writer *out, const char *text);
/* <dt>name</dt><dd>text</dd>; nothing for an empty text. name is ours. */
void html_pair(struct writer *out, const char *name, const char *text);
/* Up to the start of the body; title, class and more (style of the page's own) are ours.
 */
void html_open(struct writer *out, const char *title, const char *class_name,
	       const char *more);
void html_close(struct writer *out);

#endif
