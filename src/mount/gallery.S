/* The page's texts, NUL-terminated, so that the installed program needs no data file. */
	.section .rodata
	.global gallery_html, gallery_css, gallery_js
gallery_html:
	.incbin "page.html"
	.byte 0
gallery_css:
	.incbin "style.css"
	.byte 0
gallery_js:
	.incbin "make.js"
	.incbin "words.js"
	.incbin "result.js"
	.incbin "grid.js"
	.incbin "now.js"
	.incbin "view.js"
	.incbin "load.js"
	.byte 0
	.section .note.GNU-stack, "", %progbits
