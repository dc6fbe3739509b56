/* Short melodies that follow from the words. */
#pragma once

struct buf;
struct words;

/* Each appends a whole file of 2 s: 44.1 kHz, 16 bit, one channel. 0, -ENOMEM, or -EIO when the
 * encoder fails. */
int sound_make_wav(const struct words *words, struct buf *out);
int sound_make_mp3(const struct words *words, struct buf *out);
