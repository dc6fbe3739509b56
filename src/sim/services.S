/* The texts of services/, NUL-terminated, so that the installed program needs no data file. */
	.section .rodata
	.macro text name, file
	.global services_\name
	.balign 16
services_\name:
	.incbin "\file"
	.byte 0
	.endm
	text records, "records.json"
	text operations, "operations.json"
	text unified, "unified.json"
	.section .note.GNU-stack, "", %progbits
