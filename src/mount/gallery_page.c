/* gallery.html, put together of gallery/page.html, style.css and *.js. It asks for nothing that
 * is not in the mount, and lets no script run but its own and those that hold the tasks. */
#include <string.h>

#include "fs.h"
#include "gallery.h"
#include "kiefs/buf.h"
#include "kiefs/digest.h"

/* From gallery.S. */
extern const char gallery_html[], gallery_css[], gallery_js[];

/* Of a file beside the page a browser thinks as of another site's, so `file:` is named too. */
static void add_policy(struct buf *out)
{
	char script[DIGEST_BASE64_SIZE], style[DIGEST_BASE64_SIZE];

	digest_bytes_base64(gallery_js, strlen(gallery_js), script);
	digest_bytes_base64(gallery_css, strlen(gallery_css), style);
	buf_addf(out,
		"default-src 'none'; script-src 'sha256-%s' 'self' file:; style-src 'sha256-%s'; "
		"img-src 'self' file: data:; media-src 'self' file:; base-uri 'none'; form-action 'none'",
		script, style);
}

/* Adds the page up to the mark, which it must have; what follows it. */
static const char *add_until(struct buf *out, const char *page, const char *mark)
{
	const char *at = strstr(page, mark);

	buf_add(out, page, (size_t)(at - page));
	return at + strlen(mark);
}

int gallery_page(struct buf *out)
{
	const char *rest = add_until(out, gallery_html, "@policy@");

	add_policy(out);
	rest = add_until(out, rest, "@style@");
	buf_adds(out, gallery_css);
	rest = add_until(out, rest, "@script@");
	buf_adds(out, gallery_js);
	return buf_adds(out, rest);
}
