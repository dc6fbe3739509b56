/* The catalogue's texts, NUL-terminated, so that the installed program needs no data file. */
	.section .rodata
	.macro builtin name, file
	.global builtin_\name
	.global builtin_\name\()_end
	.balign 16
builtin_\name:
	.incbin "\file"
builtin_\name\()_end:
	.byte 0
	.endm
	builtin market, "market.json"
	builtin dedicated, "dedicated.json"
	builtin chat, "chat.json"
	builtin uploads, "uploads.json"
	.section .note.GNU-stack, "", %progbits
