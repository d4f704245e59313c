#!/bin/sh
# Usage: embed.sh FILE: an assembly source that holds the file, for tool.h.
set -eu
# The checksum is for the build: another file is another source, and is assembled anew.
cat <<END
/* $(cksum <"$1") */
	.section .rodata
	.balign 16
	.global inside_tool, inside_tool_end
	.hidden inside_tool, inside_tool_end
inside_tool:
	.incbin "$1"
inside_tool_end:
	.byte 0
	.section .note.GNU-stack,"",%progbits
END
