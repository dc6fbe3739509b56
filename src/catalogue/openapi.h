/* OpenAPI documents, as far as they say what a request's input holds. Pure. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>

/* The schema of the first request's JSON body, with references and allOf resolved one level deep.
 * Heap; NULL when there is none or memory is out. */
cJSON *openapi_body(const cJSON *document);
/* The fields of an object's schema, in the catalogue's form. `document` is what references lead
 * into. Heap; NULL when it has no properties or memory is out. */
cJSON *openapi_fields(const cJSON *document, const cJSON *schema);
/* A member of a schema's properties, resolved like openapi_body(). Heap or NULL. */
cJSON *openapi_property(const cJSON *document, const cJSON *schema, const char *name);
