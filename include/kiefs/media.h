/* Files as input: what kind a name says a file is, what a model takes. Pure. */
#pragma once

#include <stdbool.h>

#include "kiefs/catalogue.h"

/* By the name's extension; MEDIA_NONE for dotfiles and for all that is no picture, film or sound.
 */
enum media_kind media_of_name(const char *name);
/* MEDIA_FILE for what is no picture, film or sound. */
enum media_kind media_of_mime(const char *mime);
/* "png", "mp4", "mp3": what a file of the kind is called when nobody has named it yet. */
const char *media_extension(enum media_kind kind);
/* "an image", "a video", "a sound file", "a file". */
const char *media_words(enum media_kind kind);

/* Whether some field of the model, or one inside it, takes such a file. */
bool model_takes(const struct model *model, enum media_kind kind);
