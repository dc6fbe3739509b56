/* The catalogue's text, NUL-terminated, so that the installed program needs no data file. */
	.section .rodata
	.global catalogue_builtin
	.global catalogue_builtin_end
	.balign 16
catalogue_builtin:
	.incbin "catalogue.json"
catalogue_builtin_end:
	.byte 0
	.section .note.GNU-stack, "", %progbits
