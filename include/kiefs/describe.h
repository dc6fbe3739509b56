/* A model's README.md, schema.json and example.json, and the mount's own README.md. Pure. */
#pragma once

struct buf;
struct catalogue;
struct model;

/* What it makes, its fields with limits and defaults, its price, three commands to try. */
int describe_readme(const struct model *model, struct buf *out);
/* What follows it, of a model whose requests name earlier tasks; nothing of others. */
int describe_follow(const struct catalogue *catalogue, const struct model *model, struct buf *out);
/* JSON Schema 2020-12 of the request's input. */
int describe_schema(const struct model *model, struct buf *out);
/* A request that is accepted as it stands. */
int describe_example(const struct model *model, struct buf *out);
/* The cheapest model that makes a picture from nothing but a prompt: the first one to try. NULL:
 * there is none. */
const struct model *describe_first(const struct catalogue *catalogue, double *credits);
/* README.md at the top of the mount. */
int describe_mount(const struct catalogue *catalogue, struct buf *out);
