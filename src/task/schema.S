/* The schema's text, one file for each step from version to version, NUL-terminated. */
	.section .rodata
	.global store_schema_1
	.balign 16
store_schema_1:
	.incbin "schema-1.sql"
	.byte 0
	.global store_schema_2
	.balign 16
store_schema_2:
	.incbin "schema-2.sql"
	.byte 0
	.global store_schema_3
	.balign 16
store_schema_3:
	.incbin "schema-3.sql"
	.byte 0
	.section .note.GNU-stack, "", %progbits
